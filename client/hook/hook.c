// SPDX-License-Identifier: MIT
// The run, step by step: accounts, CNAMEs, publishing, looking. Each step goes over all challenges before the next one
// begins, so that a run for many names takes as long as its slowest.
//
// When is a challenge seen? When every name server that answers serves it. A silent one is asked a few times, then left
// to the authority's own patience. One that answers without the value is waited for until the deadline: it may be a
// replica on its way. If one of the servers did not take the value, though, that will be the reason, and a few looks
// are enough: then it is a warning, as the authority may well ask another name server.
#include "hook.h"

#include "delivery.h"
#include "fallback.h"
#include "notice.h"
#include "service.h"
#include "sight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECOND_MS = 1000, FIRST_PAUSE_MS = 500, MOST_PAUSE_MS = 10000, LOOKS_AT_SILENT = 3 };

struct run {
    const struct hook_options *options;
    const struct form *form;
    struct enrol enrol;
    struct delivery *deliveries; // n_challenges times n_servers, by challenge
    int64_t until_ms;
};

static struct pace pace_until(int64_t until_ms)
{
    return (struct pace){.until_ms = until_ms, .first_ms = FIRST_PAUSE_MS, .most_ms = MOST_PAUSE_MS};
}

static struct sight_options sight_of(const struct run *run, int64_t until_ms)
{
    const struct hook_options *options = run->options;
    return (struct sight_options){options->roots,       options->n_roots, options->resolvers,
                                  options->n_resolvers, options->ca_file, until_ms};
}

static struct delivery *deliveries_of(const struct run *run, size_t challenge)
{
    return run->deliveries + challenge * run->options->n_servers;
}

static bool is_asked_before(const struct form *form, size_t challenge)
{
    for (size_t i = 0; i < challenge; i++)
        if (strcmp(form->challenges[i].domain, form->challenges[challenge].domain) == 0)
            return true;
    return false;
}

// --- Accounts ---

// What is left of the time, but half: the rest is for the fallback and for looking.
static struct pace pace_for_servers(const struct run *run)
{
    return pace_until(run->until_ms - (run->until_ms - ask_now_ms()) / 2);
}

static enum outcome enrol_all(const struct run *run)
{
    const struct pace pace = pace_for_servers(run);
    enum outcome outcome = OUTCOME_DONE;
    for (size_t i = 0; i < run->form->n_challenges && outcome == OUTCOME_DONE; i++)
        outcome = enrol_domain(&run->enrol, run->form->challenges[i].domain, pace);
    return outcome;
}

static enum outcome print_records(const struct run *run)
{
    struct keyring_account account;
    for (size_t i = 0; i < run->form->n_challenges; i++)
        if (!is_asked_before(run->form, i) && enrol_find(&run->enrol, run->form->challenges[i].domain, 0, &account))
            printf("_acme-challenge.%s. 300 IN CNAME %s.\n", run->form->challenges[i].domain, account.fulldomain);
    return fflush(stdout) == 0 && !ferror(stdout) ? OUTCOME_DONE : OUTCOME_BROKEN;
}

// --- CNAMEs ---

static bool leads_to(const struct sight_way *way, const char *fulldomain)
{
    for (unsigned i = 0; i < way->n_names; i++)
        if (strcasecmp(way->names[i], fulldomain) == 0)
            return true;
    return false;
}

// Notes where the CNAME leads; returns whether it is one of the accounts. What cannot be seen is not held against it.
static bool note_leads(const struct run *run, size_t challenge, const struct sight_way *way)
{
    bool is_led = false;
    struct keyring_account account;
    struct delivery *deliveries = deliveries_of(run, challenge);
    for (size_t i = 0; i < run->options->n_servers; i++) {
        bool has_account = enrol_find(&run->enrol, deliveries[i].challenge->domain, i, &account);
        deliveries[i].leads = has_account && (!way->is_known || leads_to(way, account.fulldomain));
        is_led = is_led || deliveries[i].leads;
    }
    return is_led;
}

static void ask_for_record(const struct run *run, const char *domain, const struct sight_way *way)
{
    struct keyring_account account;
    if (!enrol_find(&run->enrol, domain, 0, &account))
        return;
    if (way->n_names > 0)
        notice("%s: the CNAME leads to %s instead", domain, way->names[way->n_names - 1]);
    notice("create this record, once and for ever:\n\n_acme-challenge.%s. 300 IN CNAME %s.\n", domain,
           account.fulldomain);
}

static enum outcome follow_cname(const struct run *run, size_t challenge)
{
    const char *domain = run->form->challenges[challenge].domain;
    struct pace pace = pace_until(ask_now_ms() + (int64_t)run->options->cname_wait_s * SECOND_MS);
    struct sight_way way;
    for (bool is_told = false;; is_told = true) {
        const struct sight_options options =
            sight_of(run, ask_now_ms() + (int64_t)run->options->deadline_s * SECOND_MS);
        sight_follow(&options, domain, &way);
        if (note_leads(run, challenge, &way))
            break;
        if (!is_told)
            ask_for_record(run, domain, &way);
        if (!pace_pause(&pace, 0))
            return OUTCOME_CNAME;
        notice_waiting("%s: waiting for the CNAME record", domain);
    }
    if (!way.is_known)
        notice("%s: cannot see whether there is a CNAME: %s", domain, way.why);
    return OUTCOME_DONE;
}

static enum outcome follow_cnames(struct run *run)
{
    const struct sight_way unknown = {.is_known = false};
    enum outcome outcome = OUTCOME_DONE;
    for (size_t i = 0; i < run->form->n_challenges && outcome == OUTCOME_DONE; i++) {
        if (run->options->is_unseen)
            (void)note_leads(run, i, &unknown);
        else
            outcome = follow_cname(run, i);
    }
    if (outcome == OUTCOME_DONE)
        run->until_ms = ask_now_ms() + (int64_t)run->options->deadline_s * SECOND_MS; // people may have taken long
    return outcome;
}

// --- Publishing ---

struct tally {
    size_t n_done;    // took the value
    size_t n_leading; // of these, where the CNAME leads
    size_t n_refused;
};

static struct tally tally_of(const struct run *run, size_t challenge)
{
    struct tally tally = {0};
    const struct delivery *deliveries = deliveries_of(run, challenge);
    for (size_t i = 0; i < run->options->n_servers; i++) {
        bool is_done = deliveries[i].state == DELIVERY_DONE;
        tally.n_done += is_done;
        tally.n_leading += is_done && deliveries[i].leads;
        tally.n_refused += deliveries[i].state == DELIVERY_FAILED;
    }
    return tally;
}

static enum outcome conclude(const struct run *run, size_t challenge)
{
    const struct challenge *what = &run->form->challenges[challenge];
    struct tally tally = tally_of(run, challenge);
    if (tally.n_leading > 0)
        return OUTCOME_DONE;
    if (run->options->fallback != NULL && fallback_run(run->options->fallback, what, run->until_ms))
        return OUTCOME_DONE;
    notice("%s: %s", what->domain,
           tally.n_done > 0 ? "only servers to which the CNAME does not lead have taken the value"
                            : "no server has taken the value");
    return tally.n_refused == run->options->n_servers ? OUTCOME_REFUSED : OUTCOME_DOWN;
}

static enum outcome publish(struct run *run)
{
    const size_t n = run->form->n_challenges * run->options->n_servers;
    delivery_send(&run->enrol, run->deliveries, n, pace_for_servers(run));
    enum outcome worst = OUTCOME_DONE;
    for (size_t i = 0; i < run->form->n_challenges; i++) {
        enum outcome outcome = conclude(run, i);
        worst = outcome != OUTCOME_DONE ? outcome : worst;
    }
    return worst;
}

// --- Looking ---

static bool is_seen(const struct sight_view *view, unsigned n_looks)
{
    return view->n_serving > 0 && view->n_lacking == 0 && (view->n_silent == 0 || n_looks >= LOOKS_AT_SILENT);
}

static enum outcome wait_until_seen(const struct run *run, size_t challenge)
{
    const struct challenge *what = &run->form->challenges[challenge];
    const struct sight_options options = sight_of(run, run->until_ms);
    const struct tally tally = tally_of(run, challenge);
    bool is_partly = tally.n_done > 0 && tally.n_done < run->options->n_servers;
    struct pace pace = pace_until(run->until_ms);
    struct sight_view view;
    unsigned n_looks = 0;
    do {
        notice_waiting("%s: waiting for the name servers", what->domain);
        sight_look(&options, what->domain, what->value, &view);
        n_looks++;
        if (is_seen(&view, n_looks)) {
            if (view.n_silent > 0)
                notice("%s: warning: %s", what->domain, view.silent);
            return OUTCOME_DONE;
        }
    } while (!(is_partly && view.n_serving > 0 && n_looks >= LOOKS_AT_SILENT) && pace_pause(&pace, 0));
    notice("%s: %s%s", what->domain, is_partly && view.n_serving > 0 ? "warning: " : "not seen in time: ",
           view.n_lacking > 0  ? view.lacking
           : view.n_silent > 0 ? view.silent
                               : "no name server could be asked");
    return is_partly && view.n_serving > 0 ? OUTCOME_DONE : OUTCOME_UNSEEN;
}

static enum outcome look(const struct run *run)
{
    enum outcome worst = OUTCOME_DONE;
    for (size_t i = 0; i < run->form->n_challenges && !run->options->is_unseen; i++) {
        enum outcome outcome = wait_until_seen(run, i);
        worst = outcome != OUTCOME_DONE ? outcome : worst;
    }
    return worst;
}

// The target of a CNAME stands for the domain it was made for.
static void name_domains(struct form *form, const struct keyring *keyring)
{
    for (size_t i = 0; i < form->n_challenges; i++) {
        size_t n = 0;
        const char *domain = keyring_domain_of(keyring, form->challenges[i].domain, &n);
        if (domain != NULL && n <= FORM_DOMAIN_MAX)
            snprintf(form->challenges[i].domain, sizeof form->challenges[i].domain, "%.*s", (int)n, domain);
    }
}

static enum outcome run_challenges(struct run *run)
{
    for (size_t i = 0; i < run->form->n_challenges * run->options->n_servers; i++)
        run->deliveries[i] = (struct delivery){.challenge = &run->form->challenges[i / run->options->n_servers],
                                               .server = i % run->options->n_servers};
    enum outcome outcome = enrol_all(run);
    if (outcome == OUTCOME_DOWN && run->options->fallback != NULL)
        outcome = OUTCOME_DONE; // no account, so no CNAME to look for: only the value
    else if (outcome == OUTCOME_DONE && run->form->act == FORM_REGISTER)
        return print_records(run);
    else if (outcome == OUTCOME_DONE)
        outcome = follow_cnames(run);
    if (outcome == OUTCOME_DONE)
        outcome = publish(run);
    return outcome == OUTCOME_DONE ? look(run) : outcome;
}

enum outcome hook_run(const struct hook_options *options, const struct form *said)
{
    char why[512];
    struct form form = *said;
    struct run run = {
        .options = options, .form = &form, .until_ms = ask_now_ms() + (int64_t)options->deadline_s * SECOND_MS};
    enum err err = keyring_open(&run.enrol.keyring, options->credentials, why);
    if (err != ERR_OK) {
        notice("%s", why);
        return OUTCOME_CREDENTIALS;
    }
    if (keyring_is_open_to_others(run.enrol.keyring))
        notice("warning: others can read %s, or write to it", options->credentials);
    name_domains(&form, run.enrol.keyring);
    run.enrol.options = options;
    run.deliveries = calloc(form.n_challenges * options->n_servers, sizeof *run.deliveries);
    enum outcome outcome = run.deliveries == NULL ? OUTCOME_BROKEN : run_challenges(&run);
    free(run.deliveries);
    keyring_close(run.enrol.keyring);
    return outcome;
}

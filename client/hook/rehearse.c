// SPDX-License-Identifier: MIT
// A server keeps a few values for each account and drops the oldest, so to send the values that were there again,
// oldest first, pushes the random one out, or leaves it as the oldest of them, next to go. acme-dns cannot forget:
// there a single random value stays behind, which proves nothing to anybody.
#include "rehearse.h"

#include "enrol.h"
#include "notice.h"
#include "secret.h"
#include "service.h"
#include "sight.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND_MS = 1000 };

struct rehearsal {
    const struct hook_options *options;
    struct form form;                                // with random values
    struct sight_values before[FORM_CHALLENGES_MAX]; // of each domain
};

static void random_value(char value[static FORM_VALUE_CHARS + 1])
{
    char more[SECRET_PASSWORD_CHARS + 1];
    secret_password(value); // 40 characters of the same alphabet
    secret_password(more);
    memcpy(value + SECRET_PASSWORD_CHARS, more, FORM_VALUE_CHARS - SECRET_PASSWORD_CHARS);
    value[FORM_VALUE_CHARS] = '\0';
}

static void call_once(const struct rehearsal *self, struct service_call *call)
{
    const struct service_options how = {self->options->ca_file, self->options->call_s * SECOND_MS};
    service_call_all(call, 1, &how);
    json_decref(call->body);
    json_decref(call->answer);
}

static bool send_again(const struct rehearsal *self, struct service_call call, const char *value)
{
    call.path = "/update";
    call.body = json_pack("{ssss}", "subdomain", call.account.subdomain, "txt", value);
    call_once(self, &call);
    return call.outcome == SERVICE_OK;
}

static bool forget(const struct rehearsal *self, struct service_call call)
{
    call.path = "/clear";
    call.body = json_object();
    call_once(self, &call);
    return call.outcome == SERVICE_OK;
}

static void take_back(const struct rehearsal *self, const struct enrol *enrol, size_t challenge, size_t server)
{
    const char *domain = self->form.challenges[challenge].domain;
    const struct sight_values *before = &self->before[challenge];
    struct service_call call = {.server = self->options->servers[server]};
    if (!enrol_find(enrol, domain, server, &call.account))
        return;
    bool is_good = before->n > 0 || forget(self, call);
    for (unsigned i = 0; i < before->n; i++)
        is_good = send_again(self, call, before->at[i]) && is_good;
    if (!is_good)
        notice("%s: the random value stays at %s; the next ones replace it", domain, self->options->servers[server]);
}

static void take_all_back(const struct rehearsal *self)
{
    char why[512];
    struct enrol enrol = {.options = self->options};
    if (keyring_open(&enrol.keyring, self->options->credentials, why) != ERR_OK) {
        notice("%s", why);
        return;
    }
    for (size_t i = 0; i < self->form.n_challenges; i++)
        for (size_t server = 0; server < self->options->n_servers; server++)
            take_back(self, &enrol, i, server);
    keyring_close(enrol.keyring);
}

enum outcome rehearse(const struct hook_options *options, const struct form *form)
{
    struct rehearsal *self = calloc(1, sizeof *self);
    if (self == NULL)
        return OUTCOME_BROKEN;
    const struct sight_options sight = {options->roots,     options->n_roots,
                                        options->resolvers, options->n_resolvers,
                                        options->ca_file,   ask_now_ms() + (int64_t)options->deadline_s * SECOND_MS};
    self->options = options;
    self->form = *form;
    self->form.act = FORM_PUBLISH;
    for (size_t i = 0; i < form->n_challenges; i++) {
        random_value(self->form.challenges[i].value);
        sight_read(&sight, form->challenges[i].domain, &self->before[i]);
    }
    enum outcome outcome = hook_run(options, &self->form);
    if (outcome == OUTCOME_DONE || outcome == OUTCOME_UNSEEN || outcome == OUTCOME_DOWN)
        take_all_back(self);
    if (outcome == OUTCOME_DONE)
        notice("the rehearsal went well");
    free(self);
    return outcome;
}

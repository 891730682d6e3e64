// SPDX-License-Identifier: MIT
// A look is a walk (walk.h), and then a fresh question to each address of the zone in which the walk ended. Resolvers
// come last, and only when the name servers agree: asked too early, they would remember that there is no such value.
// For the same reason the CNAME is asked of them as a CNAME.
#include "sight.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { RESOLVERS_MAX = 8, TIMEOUT_MS = 2000, TRIES = 2, HOP_MAX = WALK_LINKS_MAX };

static const char SYSTEM_RESOLVERS[] = "/etc/resolv.conf";

struct resolvers {
    const struct upstream *at;
    size_t n;
    struct upstream system[RESOLVERS_MAX];
};

static void read_system_resolvers(struct resolvers *resolvers)
{
    char line[512], word[UPSTREAM_TEXT_MAX];
    FILE *file = fopen(SYSTEM_RESOLVERS, "re");
    if (file == NULL)
        return;
    while (resolvers->n < RESOLVERS_MAX && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "nameserver %255s", word) == 1 &&
            upstream_parse(word, &resolvers->system[resolvers->n]) == ERR_OK)
            resolvers->n++;
    fclose(file);
}

// The system's stand in for name servers out of reach only; they are not asked beside them.
static void choose_resolvers(struct resolvers *resolvers, const struct sight_options *options, bool is_blind)
{
    *resolvers = (struct resolvers){.at = options->resolvers, .n = options->n_resolvers};
    if (!is_blind || resolvers->n > 0)
        return;
    resolvers->at = resolvers->system;
    read_system_resolvers(resolvers);
}

static unsigned left_ms(const struct sight_options *options)
{
    int64_t left = options->until_ms - ask_now_ms();
    return left < 1 ? 1 : left > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)left;
}

static const ldns_rdf *open_walk(struct walk **walk, const struct sight_options *options, const char *domain)
{
    const struct walk_options how = {.roots = options->roots,
                                     .n_roots = options->n_roots,
                                     .timeout_ms = TIMEOUT_MS,
                                     .n_tries = TRIES,
                                     .deadline_ms = left_ms(options)};
    char text[SIGHT_NAME_MAX + 16];
    snprintf(text, sizeof text, "_acme-challenge.%s", domain);
    if (walk_open(walk, &how) != ERR_OK)
        return NULL;
    const ldns_rdf *name = walk_name(*walk, text);
    if (name == NULL)
        walk_close(*walk);
    return name;
}

// The walk did not get beyond the root.
static bool is_blind(const struct walk_way *way)
{
    const struct walk_link *first = &way->links[0];
    return way->n_links < 2 && first->reply == NULL && first->target == NULL &&
           (first->cut == NULL || first->cut->parent == NULL);
}

static void put_name(struct sight_way *way, const ldns_rdf *name)
{
    char *text = ldns_rdf2str(name);
    if (text == NULL || way->n_names == WALK_LINKS_MAX) {
        free(text);
        return;
    }
    size_t n = strlen(text);
    n -= n > 1 && text[n - 1] == '.';
    snprintf(way->names[way->n_names++], SIGHT_NAME_MAX, "%.*s", (int)n, text);
    free(text);
}

static struct ask question_to_resolver(const struct sight_options *options, const ldns_rdf *name, ldns_rr_type type)
{
    return (struct ask){.name = name,
                        .type = type,
                        .is_recursive = true,
                        .timeout_ms = TIMEOUT_MS,
                        .n_tries = TRIES,
                        .until_ms = options->until_ms,
                        .ca_file = options->ca_file};
}

// One CNAME, as a resolver knows it; the caller's, or NULL. *is_answered when there was an answer at all.
static ldns_rdf *cname_at(const struct sight_options *options, const struct upstream *resolver, const ldns_rdf *name,
                          bool *is_answered)
{
    struct reply reply;
    const struct ask question = question_to_resolver(options, name, LDNS_RR_TYPE_CNAME);
    ask(&reply, resolver, &question);
    ldns_rdf *target = NULL;
    *is_answered = reply.outcome == ASK_ANSWERED && ldns_pkt_get_rcode(reply.packet) != LDNS_RCODE_SERVFAIL &&
                   ldns_pkt_get_rcode(reply.packet) != LDNS_RCODE_REFUSED;
    ldns_rr_list *found =
        !*is_answered ? NULL
                      : ldns_pkt_rr_list_by_name_and_type(reply.packet, name, LDNS_RR_TYPE_CNAME, LDNS_SECTION_ANSWER);
    if (found != NULL && ldns_rr_list_rr_count(found) > 0)
        target = ldns_rdf_clone(ldns_rr_rdf(ldns_rr_list_rr(found, 0), 0));
    ldns_rr_list_deep_free(found);
    ask_free(&reply);
    return target;
}

static bool follow_at_resolver(const struct sight_options *options, const struct upstream *resolver,
                               const ldns_rdf *name, struct sight_way *way)
{
    bool is_answered = false;
    ldns_rdf *next = ldns_rdf_clone(name);
    for (unsigned hop = 0; next != NULL && hop < HOP_MAX; hop++) {
        ldns_rdf *target = cname_at(options, resolver, next, &is_answered);
        ldns_rdf_deep_free(next);
        next = target;
        if (!is_answered && hop == 0)
            return false;
        if (target != NULL)
            put_name(way, target);
    }
    ldns_rdf_deep_free(next);
    return true;
}

static void follow_blindly(const struct sight_options *options, const ldns_rdf *name, struct sight_way *way)
{
    struct resolvers resolvers;
    choose_resolvers(&resolvers, options, true);
    for (size_t i = 0; i < resolvers.n && !way->is_known; i++)
        way->is_known = follow_at_resolver(options, &resolvers.at[i], name, way);
    snprintf(way->why, sizeof way->why, "neither the root servers nor a resolver can be asked from this machine");
}

void sight_follow(const struct sight_options *options, const char *domain, struct sight_way *way)
{
    *way = (struct sight_way){0};
    struct walk *walk;
    const ldns_rdf *name = open_walk(&walk, options, domain);
    if (name == NULL) {
        snprintf(way->why, sizeof way->why, "%s is no domain name", domain);
        return;
    }
    struct walk_way found;
    walk_way(walk, name, LDNS_RR_TYPE_TXT, &found);
    if (is_blind(&found)) {
        follow_blindly(options, name, way);
        walk_close(walk);
        return;
    }
    for (unsigned i = 0; i < found.n_links; i++)
        if (found.links[i].target != NULL)
            put_name(way, found.links[i].target);
    const struct walk_link *last = &found.links[found.n_links - 1];
    bool is_answer = found.status == WALK_OK || found.status == WALK_NODATA || found.status == WALK_NXDOMAIN;
    way->is_known = is_answer || way->n_names > 0;
    snprintf(way->why, sizeof way->why, "%s: %s", walk_text(walk, last->name), walk_status_text(found.status));
    walk_close(walk);
}

static bool has_text(const ldns_rr *rr, const char *value)
{
    const ldns_rdf *text = ldns_rr_rd_count(rr) == 1 ? ldns_rr_rdf(rr, 0) : NULL;
    size_t n = strlen(value);
    return text != NULL && ldns_rdf_size(text) == n + 1 && memcmp(ldns_rdf_data(text) + 1, value, n) == 0;
}

static bool has_value(const struct reply *reply, const ldns_rdf *name, const char *value)
{
    // A resolver's answer has the records at the end of the CNAMEs.
    ldns_rr_list *found =
        name != NULL ? ldns_pkt_rr_list_by_name_and_type(reply->packet, name, LDNS_RR_TYPE_TXT, LDNS_SECTION_ANSWER)
                     : ldns_pkt_rr_list_by_type(reply->packet, LDNS_RR_TYPE_TXT, LDNS_SECTION_ANSWER);
    bool has = false;
    for (size_t i = 0; found != NULL && i < ldns_rr_list_rr_count(found) && !has; i++)
        has = has_text(ldns_rr_list_rr(found, i), value);
    ldns_rr_list_deep_free(found);
    return has;
}

// Asks once and counts. `owner`: where the value must be; NULL: at the end of a resolver's CNAMEs.
static void ask_and_count(struct sight_view *view, const struct upstream *at, const struct ask *question,
                          const ldns_rdf *owner, const char *value)
{
    struct reply reply;
    ask(&reply, at, question);
    if (reply.outcome != ASK_ANSWERED) {
        view->n_silent++;
        snprintf(view->silent, sizeof view->silent, "%s %s%s", at->text, ask_outcome_text(reply.outcome),
                 question->way == ASK_TCP_ONLY ? " (over TCP)" : "");
    } else if (has_value(&reply, owner, value)) {
        view->n_serving++;
    } else {
        view->n_lacking++;
        ldns_lookup_table *rcode = ldns_lookup_by_id(ldns_rcodes, (int)ldns_pkt_get_rcode(reply.packet));
        snprintf(view->lacking, sizeof view->lacking, "%s answers %s, without the value", at->text,
                 rcode == NULL ? "something" : rcode->name);
    }
    ask_free(&reply);
}

static void look_at_servers(struct walk *walk, const struct walk_link *link, const char *value, struct sight_view *view)
{
    struct ask question = walk_question(walk, link->name, LDNS_RR_TYPE_TXT);
    for (unsigned i = 0; i < link->cut->n_servers; i++) {
        unsigned n_serving = view->n_serving;
        question.way = ASK_UDP_THEN_TCP;
        ask_and_count(view, &link->cut->servers[i].at, &question, link->name, value);
        if (view->n_serving == n_serving)
            continue;
        question.way = ASK_TCP_ONLY;
        view->n_serving--; // one address counts once
        ask_and_count(view, &link->cut->servers[i].at, &question, link->name, value);
    }
}

void sight_look(const struct sight_options *options, const char *domain, const char *value, struct sight_view *view)
{
    *view = (struct sight_view){0};
    struct walk *walk;
    const ldns_rdf *name = open_walk(&walk, options, domain);
    if (name == NULL)
        return;
    struct walk_way way;
    struct resolvers resolvers;
    walk_way(walk, name, LDNS_RR_TYPE_TXT, &way);
    view->is_by_resolvers = is_blind(&way);
    const struct walk_link *last = &way.links[way.n_links - 1];
    if (!view->is_by_resolvers && last->cut != NULL && last->target == NULL)
        look_at_servers(walk, last, value, view);
    choose_resolvers(&resolvers, options, view->is_by_resolvers);
    const struct ask question = question_to_resolver(options, name, LDNS_RR_TYPE_TXT);
    bool is_their_turn = view->is_by_resolvers || (view->n_serving > 0 && view->n_lacking == 0);
    for (size_t i = 0; is_their_turn && i < resolvers.n; i++)
        ask_and_count(view, &resolvers.at[i], &question, NULL, value);
    walk_close(walk);
}

void sight_read(const struct sight_options *options, const char *domain, struct sight_values *values)
{
    *values = (struct sight_values){0};
    struct walk *walk;
    const ldns_rdf *name = open_walk(&walk, options, domain);
    if (name == NULL)
        return;
    struct walk_way way;
    walk_way(walk, name, LDNS_RR_TYPE_TXT, &way);
    const struct walk_link *last = &way.links[way.n_links - 1];
    const ldns_rr_list *found =
        way.status == WALK_OK && last->target == NULL
            ? walk_records(walk, last->reply, (struct cut_question){last->name, LDNS_RR_TYPE_TXT})
            : NULL;
    for (size_t i = 0; found != NULL && i < ldns_rr_list_rr_count(found) && values->n < SIGHT_VALUES_MAX; i++) {
        const ldns_rdf *text = ldns_rr_rdf(ldns_rr_list_rr(found, i), 0);
        size_t n = text == NULL || ldns_rdf_size(text) == 0 ? 0 : ldns_rdf_size(text) - 1;
        if (n < SIGHT_VALUE_MAX)
            snprintf(values->at[values->n++], SIGHT_VALUE_MAX, "%.*s", (int)n, (const char *)ldns_rdf_data(text) + 1);
    }
    walk_close(walk);
}

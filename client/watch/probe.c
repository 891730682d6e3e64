// SPDX-License-Identifier: MIT
// probe: look at what is published, write it again, and look again at each address until it is there.
#include "probe.h"

#include "webcall.h"

#include <poll.h>
#include <stdio.h>
#include <sys/random.h>

enum { VALUE_BYTES = 43, POLL_MS = 50, HTTP_OK = 200, HTTP_BAD_REQUEST = 400, HEADER_MAX = 512, URL_MAX = 512 };

static const char NO_VALUE[] = "acmezone-probe"; // too short for a challenge

// -- The credentials

static bool read_account(struct probe *probe, const char *name, json_t *account)
{
    *probe = (struct probe){.name = name};
    return json_unpack(account, "{s:s, s:s, s:s, s:s, s?:s}", "username", &probe->username, "password",
                       &probe->password, "fulldomain", &probe->fulldomain, "subdomain", &probe->subdomain, "server_url",
                       &probe->server) == 0;
}

static enum err add(struct probes *probes, struct probe probe, const char *const *servers, size_t n_servers)
{
    size_t n = probe.server != NULL && probe.server[0] != 0 ? 1 : n_servers;
    if (n == 0 || probes->n + n > PROBES_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < n; i++) {
        struct probe one = probe;
        if (n != 1 || probe.server == NULL || probe.server[0] == 0)
            one.server = servers[i];
        probes->at[probes->n++] = one;
    }
    return ERR_OK;
}

enum err probes_read(struct probes *probes, const char *file, const char *const *servers, size_t n_servers)
{
    json_error_t error;
    json_t *object = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        bool is_readable = json_error_code(&error) != json_error_cannot_open_file;
        fprintf(stderr, "acmezone watch: %s: %s\n", file, error.text);
        return is_readable ? ERR_SYNTAX : ERR_NOT_FOUND;
    }
    *probes = (struct probes){.file = object};
    enum err err = json_is_object(object) && json_object_size(object) > 0 ? ERR_OK : ERR_SYNTAX;
    const char *name;
    json_t *account;
    json_object_foreach(object, name, account)
    {
        struct probe probe;
        if (err == ERR_OK)
            err = read_account(&probe, name, account) ? add(probes, probe, servers, n_servers) : ERR_SYNTAX;
    }
    if (err == ERR_SYNTAX)
        fprintf(stderr, "acmezone watch: %s: not a file of credentials\n", file);
    if (err == ERR_RANGE)
        fprintf(stderr, "acmezone watch: %s: an account without a server (give --server), or more than %d of them\n",
                file, PROBES_MAX);
    if (err != ERR_OK)
        probes_free(probes);
    return err;
}

void probes_free(struct probes *probes)
{
    json_decref(probes->file);
    *probes = (struct probes){0};
}

// -- One probe

struct sought {
    const ldns_rdf *name;
    const struct cut *cut;
    unsigned n_values;
    char value[VALUE_BYTES + 1]; // the first of them, or the one to publish
};

// Counts the TXT values of the name, and keeps the first that is a challenge when `value` is empty.
static bool has_value(struct sought *sought, const struct reply *reply)
{
    bool is_there = false;
    const ldns_rr_list *answer = ldns_pkt_answer(reply->packet);
    sought->n_values = 0;
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *record = ldns_rr_list_rr(answer, i);
        const ldns_rdf *text = ldns_rr_get_type(record) == LDNS_RR_TYPE_TXT ? ldns_rr_rdf(record, 0) : NULL;
        if (text == NULL || ldns_rdf_size(text) != VALUE_BYTES + 1)
            continue;
        const uint8_t *value = ldns_rdf_data(text) + 1;
        sought->n_values++;
        if (sought->value[0] == 0)
            memcpy(sought->value, value, VALUE_BYTES);
        is_there |= memcmp(sought->value, value, VALUE_BYTES) == 0;
    }
    return is_there;
}

static void make_up_value(char value[static VALUE_BYTES + 1])
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[VALUE_BYTES] = {0};
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        bytes[0] = (uint8_t)ask_now_ms();
    for (size_t i = 0; i < VALUE_BYTES; i++)
        value[i] = LETTERS[bytes[i] % (sizeof LETTERS - 1)];
    value[VALUE_BYTES] = 0;
}

static bool look_up(struct walk *walk, const struct probe *probe, struct sought *sought, struct probe_result *result)
{
    struct walk_way *way = arena_take(walk_arena(walk), 1, sizeof *way);
    sought->name = walk_name(walk, probe->fulldomain);
    if (way == NULL || sought->name == NULL) {
        snprintf(result->reason, sizeof result->reason, "%.200s is not a domain name", probe->fulldomain);
        return false;
    }
    walk_way(walk, sought->name, LDNS_RR_TYPE_TXT, way);
    const struct walk_link *end = &way->links[way->n_links - 1];
    sought->cut = end->cut;
    if (way->status == WALK_OK)
        has_value(sought, end->reply);
    if (way->status == WALK_OK || way->status == WALK_NODATA)
        return true;
    snprintf(result->reason, sizeof result->reason, "%.200s: %s", probe->fulldomain, walk_status_text(way->status));
    return false;
}

static bool update(const struct probe *probe, const struct probe_options *options, const struct sought *sought,
                   struct probe_result *result)
{
    char user[HEADER_MAX], key[HEADER_MAX], url[URL_MAX];
    size_t n = strlen(probe->server);
    while (n > 0 && probe->server[n - 1] == '/')
        n--;
    snprintf(user, sizeof user, "X-Api-User: %s", probe->username);
    snprintf(key, sizeof key, "X-Api-Key: %s", probe->password);
    snprintf(url, sizeof url, "%.*s/update", (int)(n < 400 ? n : 400), probe->server);
    bool is_careful = sought->n_values > 1;
    json_t *object =
        json_pack("{s:s, s:s}", "subdomain", probe->subdomain, "txt", is_careful ? NO_VALUE : sought->value);
    char *body = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    struct webcall_answer answer = {.text = "out of memory"};
    enum err err = ERR_MEMORY;
    if (body != NULL)
        err = webcall(&(struct webcall){.url = url,
                                        .body = body,
                                        .headers = (const char *const[]){user, key, NULL},
                                        .ca_file = options->ca_file,
                                        .timeout_ms = options->timeout_ms},
                      &answer);
    free(body);
    result->update_ms = answer.took_ms;
    if (err != ERR_OK)
        snprintf(result->reason, sizeof result->reason, "the API cannot be reached: %s", answer.text);
    else if (answer.status != (is_careful ? HTTP_BAD_REQUEST : HTTP_OK))
        snprintf(result->reason, sizeof result->reason, "the API answers %ld: %.150s", answer.status, answer.text);
    else
        return true;
    return false;
}

// Until each address has the value.
static bool await_value(struct walk *walk, const struct probe_options *options, struct sought *sought,
                        struct probe_result *result)
{
    int64_t began_ms = ask_now_ms(), until_ms = began_ms + options->timeout_ms;
    for (unsigned i = 0; i < sought->cut->n_servers; i++) {
        const struct upstream *at = &sought->cut->servers[i].at;
        for (;;) {
            struct ask question = walk_question(walk, sought->name, LDNS_RR_TYPE_TXT);
            question.until_ms = until_ms;
            struct reply reply;
            ask(&reply, at, &question);
            bool is_there = reply.outcome == ASK_ANSWERED && has_value(sought, &reply);
            enum ask_outcome outcome = reply.outcome;
            ask_free(&reply);
            if (is_there || outcome == ASK_NO_ROUTE)
                break;
            if (ask_now_ms() >= until_ms || outcome == ASK_CLOSED) {
                snprintf(result->reason, sizeof result->reason, "the API took the value, but %s %s", at->text,
                         outcome == ASK_ANSWERED ? "does not serve it" : ask_outcome_text(outcome));
                return false;
            }
            poll(NULL, 0, POLL_MS);
        }
    }
    result->dns_ms = (unsigned)(ask_now_ms() - began_ms);
    return true;
}

void probe_run(const struct probe *probe, const struct probe_options *options, struct probe_result *result)
{
    *result = (struct probe_result){0};
    struct walk *walk;
    struct sought sought = {0};
    if (walk_open(&walk, options->walk) != ERR_OK) {
        snprintf(result->reason, sizeof result->reason, "out of memory");
        return;
    }
    if (look_up(walk, probe, &sought, result)) {
        if (sought.n_values == 0)
            make_up_value(sought.value);
        bool is_careful = sought.n_values > 1;
        result->is_well =
            update(probe, options, &sought, result) && (is_careful || await_value(walk, options, &sought, result));
        result->was_published = result->is_well && !is_careful;
    }
    if (result->was_published)
        snprintf(result->reason, sizeof result->reason, "an update takes %u ms, and DNS has it %u ms later",
                 result->update_ms, result->dns_ms);
    else if (result->is_well)
        snprintf(result->reason, sizeof result->reason,
                 "the API answers in %u ms; the account is in use, nothing was written", result->update_ms);
    walk_close(walk);
}

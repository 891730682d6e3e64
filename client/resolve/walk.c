// SPDX-License-Identifier: MIT
// walk: a memory of all that was asked; walk_cut.c holds the tree of zones, walk_way.c follows CNAMEs.
//
// Servers that were silent are passed over for the rest of the walk: one dead address costs its time-outs once.
#include "walk_room.h"

#include "hints.h"
#include "name.h"

enum { DEADLINE_MS = 30000, QUESTIONS_MAX = 1000 };

const char *walk_status_text(enum walk_status status)
{
    static const char *const texts[] = {
#define WALK_TEXT(name, text) text,
        WALK_STATUS_LIST(WALK_TEXT)
#undef WALK_TEXT
    };
    return texts[status];
}

// -- What lives as long as the walk

bool walk_own(struct walk *walk, void *thing, void (*free_thing)(void *))
{
    struct owned *owned = thing == NULL ? NULL : arena_take(walk->arena, 1, sizeof *owned);
    if (owned == NULL) {
        if (thing != NULL)
            free_thing(thing);
        return false;
    }
    *owned = (struct owned){.next = walk->owned, .thing = thing, .free = free_thing};
    walk->owned = owned;
    return true;
}

void walk_free_name(void *name)
{
    ldns_rdf_deep_free(name);
}

// The list, not the records, which are the packet's.
static void free_list(void *list)
{
    ldns_rr_list_free(list);
}

const ldns_rdf *walk_name(struct walk *walk, const char *text)
{
    ldns_rdf *name = ldns_dname_new_frm_str(text);
    return walk_own(walk, name, walk_free_name) ? name : NULL;
}

const ldns_rdf *walk_name_from(struct walk *walk, const ldns_rdf *name, unsigned n)
{
    ldns_rdf *rest = ldns_dname_clone_from(name, (uint16_t)n);
    return walk_own(walk, rest, walk_free_name) ? rest : NULL;
}

const char *walk_text(struct walk *walk, const ldns_rdf *name)
{
    char *text = ldns_rdf2str(name);
    if (text == NULL)
        return "?";
    size_t n = strlen(text);
    if (n > 1 && text[n - 1] == '.')
        n--;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)name_fold((uint8_t)text[i]); // answers come in the letters of our questions
    const char *copy = arena_take_text(walk->arena, (struct bytes){(uint8_t *)text, n});
    free(text);
    return copy == NULL ? "?" : copy;
}

struct arena *walk_arena(struct walk *walk)
{
    return walk->arena;
}

unsigned walk_left_ms(const struct walk *walk)
{
    int64_t left_ms = walk->until_ms - ask_now_ms();
    return left_ms <= 0 ? 0 : (unsigned)left_ms;
}

struct ask walk_question(const struct walk *walk, const ldns_rdf *name, ldns_rr_type type)
{
    return (struct ask){.name = name,
                        .type = type,
                        .timeout_ms = walk->options.timeout_ms,
                        .n_tries = walk->options.n_tries,
                        .until_ms = walk->until_ms};
}

static struct cut *new_root(struct walk *walk)
{
    struct upstream found[HINTS_MAX];
    const struct upstream *roots = walk->options.roots;
    size_t n = walk->options.n_roots;
    if (n == 0) {
        n = hints_roots(found);
        roots = found;
    }
    struct cut *root = arena_take(walk->arena, 1, sizeof *root);
    if (root == NULL)
        return NULL;
    root->apex = walk_name(walk, ".");
    for (size_t i = 0; i < n && i < CUT_SERVERS_MAX; i++)
        root->servers[root->n_servers++].at = roots[i];
    return root->apex == NULL ? NULL : root;
}

enum err walk_open(struct walk **walk, const struct walk_options *options)
{
    struct arena *arena;
    enum err err = arena_new(&arena);
    if (err != ERR_OK)
        return err;
    struct walk *made = arena_take(arena, 1, sizeof *made);
    if (made != NULL) {
        unsigned deadline_ms = options->deadline_ms != 0 ? options->deadline_ms : DEADLINE_MS;
        *made = (struct walk){.arena = arena, .options = *options, .until_ms = ask_now_ms() + deadline_ms};
        made->root = new_root(made);
    }
    if (made == NULL || made->root == NULL) {
        if (made != NULL)
            walk_close(made);
        else
            arena_free(arena);
        return ERR_MEMORY;
    }
    *walk = made;
    return ERR_OK;
}

void walk_close(struct walk *walk)
{
    for (struct asked *asked = walk->asked; asked != NULL; asked = asked->next)
        ask_free(&asked->reply);
    for (struct owned *owned = walk->owned; owned != NULL; owned = owned->next)
        owned->free(owned->thing);
    arena_free(walk->arena);
}

// -- One question to a zone

static bool is_known_down(const struct walk *walk, const struct upstream *upstream)
{
    for (size_t i = 0; i < walk->n_down; i++)
        if (upstream_is_same(&walk->down[i], upstream))
            return true;
    return false;
}

static void note_down(struct walk *walk, const struct upstream *upstream)
{
    if (walk->n_down < DOWN_MAX)
        walk->down[walk->n_down++] = *upstream;
}

// Whether the reply leads further down than the zone.
static bool is_referral(const ldns_pkt *packet, const struct cut *cut)
{
    const ldns_rr_list *authority = ldns_pkt_authority(packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
        const ldns_rr *record = ldns_rr_list_rr(authority, i);
        if (ldns_rr_get_type(record) == LDNS_RR_TYPE_NS && ldns_dname_is_subdomain(ldns_rr_owner(record), cut->apex))
            return true;
    }
    return false;
}

static bool is_usable(const struct reply *reply, const struct cut *cut)
{
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(reply->packet);
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
        return false;
    return ldns_pkt_aa(reply->packet) || is_referral(reply->packet, cut);
}

static void ask_one(struct walk *walk, const struct upstream *upstream, struct cut_question wanted, struct reply *reply)
{
    struct ask question = walk_question(walk, wanted.name, wanted.type);
    question.wants_dnssec = true;
    ask(reply, upstream, &question);
    if (reply->outcome != ASK_ANSWERED || ldns_pkt_get_rcode(reply->packet) != LDNS_RCODE_FORMERR)
        return;
    ask_free(reply);
    question.is_without_edns = true; // somebody who knows no EDNS says FORMERR (RFC 6891 7)
    ask(reply, upstream, &question);
}

static enum walk_status ask_servers(struct walk *walk, const struct cut *cut, struct asked *asked)
{
    if (cut->n_servers == 0)
        return WALK_NO_ADDRESS;
    bool has_refused = false;
    for (unsigned i = 0; i < cut->n_servers; i++) {
        const struct upstream *upstream = &cut->servers[i].at;
        if (is_known_down(walk, upstream))
            continue;
        if (walk_left_ms(walk) == 0 || walk->n_questions++ >= QUESTIONS_MAX)
            return WALK_DEADLINE;
        ask_one(walk, upstream, asked->question, &asked->reply);
        if (asked->reply.outcome == ASK_ANSWERED && is_usable(&asked->reply, cut))
            return WALK_OK;
        has_refused |= asked->reply.outcome == ASK_ANSWERED;
        if (asked->reply.outcome != ASK_ANSWERED && walk_left_ms(walk) > 0)
            note_down(walk, upstream);
        ask_free(&asked->reply);
    }
    return walk_left_ms(walk) == 0 ? WALK_DEADLINE : has_refused ? WALK_REFUSED : WALK_SILENT;
}

enum walk_status walk_ask(struct walk *walk, const struct cut *cut, struct cut_question question,
                          const struct reply **reply)
{
    struct asked *asked = walk->asked;
    while (asked != NULL && (asked->cut != cut || asked->question.type != question.type ||
                             ldns_dname_compare(asked->question.name, question.name) != 0))
        asked = asked->next;
    if (asked == NULL) {
        asked = arena_take(walk->arena, 1, sizeof *asked);
        ldns_rdf *name = ldns_rdf_clone(question.name);
        if (!walk_own(walk, name, walk_free_name) || asked == NULL)
            return WALK_MEMORY;
        *asked = (struct asked){.next = walk->asked, .cut = cut, .question = {name, question.type}};
        walk->asked = asked;
        asked->status = ask_servers(walk, cut, asked);
    }
    if (asked->status == WALK_OK)
        *reply = &asked->reply;
    return asked->status;
}

const ldns_rr_list *walk_records(struct walk *walk, const struct reply *reply, struct cut_question question)
{
    ldns_rr_list *found = ldns_rr_list_new();
    const ldns_rr_list *answer = ldns_pkt_answer(reply->packet);
    for (size_t i = 0; found != NULL && i < ldns_rr_list_rr_count(answer); i++) {
        ldns_rr *record = ldns_rr_list_rr(answer, i);
        if (ldns_rr_get_type(record) == question.type && ldns_dname_compare(ldns_rr_owner(record), question.name) == 0)
            ldns_rr_list_push_rr(found, record);
    }
    return walk_own(walk, found, free_list) && ldns_rr_list_rr_count(found) > 0 ? found : NULL;
}

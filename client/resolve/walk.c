// SPDX-License-Identifier: MIT
// walk: a tree of zone cuts that grows downwards from the root, and a memory of all that was asked.
//
// To find the zone of a name, each of its ancestors is asked for NS records, from the top: a referral, or an answer of
// its own where parent and child share servers, is a cut; anything else is none. A cut is remembered before the
// addresses of its name servers are looked for. So a name server whose name lies in the zone it serves, or in a zone
// that needs this one, meets the unfinished cut and fails there, as it does for every resolver, instead of going round
// for ever.
//
// Servers that were silent are passed over for the rest of the walk: one dead address costs its time-outs once.
#include "walk.h"

#include "hints.h"
#include "name.h"

enum { DEADLINE_MS = 30000, DEPTH_MAX = 8, QUESTIONS_MAX = 1000, DOWN_MAX = 64 };

// A name that was looked at: a cut, or none.
struct step {
    struct step *next;
    const ldns_rdf *name;
    struct cut *cut; // NULL: the zone goes on
};

struct asked {
    struct asked *next;
    const struct cut *cut;
    struct cut_question question;
    enum walk_status status;
    struct reply reply;
};

// A thing of ldns that ends with the walk.
struct owned {
    struct owned *next;
    void *thing;
    void (*free)(void *);
};

struct walk {
    struct arena *arena;
    struct walk_options options;
    int64_t until_ms;
    struct cut *root;
    struct step *steps;
    struct asked *asked;
    struct owned *owned;
    unsigned n_questions;
    unsigned depth;
    size_t n_down;
    struct upstream down[DOWN_MAX];
};

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

// `thing` becomes the walk's; it is freed at once when that cannot be noted, and false returned.
static bool own(struct walk *walk, void *thing, void (*free_thing)(void *))
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

static void free_name(void *name)
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
    return own(walk, name, free_name) ? name : NULL;
}

const ldns_rdf *walk_name_from(struct walk *walk, const ldns_rdf *name, unsigned n)
{
    ldns_rdf *rest = ldns_dname_clone_from(name, (uint16_t)n);
    return own(walk, rest, free_name) ? rest : NULL;
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
        if (!own(walk, name, free_name) || asked == NULL)
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
    return own(walk, found, free_list) && ldns_rr_list_rr_count(found) > 0 ? found : NULL;
}

// -- The cuts

static void add_server(struct cut *cut, unsigned name, const ldns_rr *record)
{
    const ldns_rdf *address = ldns_rr_rdf(record, 0);
    struct ip ip = {0};
    char *text = address == NULL ? NULL : ldns_rdf2str(address);
    bool is_sound = text != NULL && ip_parse(bytes_of_text(text), &ip) == ERR_OK;
    free(text);
    if (!is_sound)
        return;
    struct upstream at = upstream_of(ip, 53);
    cut->names[name].has_address = true;
    for (unsigned i = 0; i < cut->n_servers; i++)
        if (upstream_is_same(&cut->servers[i].at, &at))
            return;
    if (cut->n_servers == CUT_SERVERS_MAX)
        return;
    unsigned place = cut->n_servers++; // IPv4 before IPv6
    for (; place > 0 && ip_is_v4(ip) && !ip_is_v4(cut->servers[place - 1].at.ip); place--)
        cut->servers[place] = cut->servers[place - 1];
    cut->servers[place] = (struct cut_server){.name = name, .at = at};
}

// Addresses that the parent gives along, of names that it may speak for.
static void take_glue(struct cut *cut, const ldns_pkt *packet)
{
    const ldns_rr_list *additional = ldns_pkt_additional(packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(additional); i++) {
        const ldns_rr *record = ldns_rr_list_rr(additional, i);
        ldns_rr_type type = ldns_rr_get_type(record);
        if (type != LDNS_RR_TYPE_A && type != LDNS_RR_TYPE_AAAA)
            continue;
        for (unsigned name = 0; name < cut->n_names; name++) {
            if (ldns_dname_compare(ldns_rr_owner(record), cut->names[name].name) != 0)
                continue;
            const ldns_rdf *apex = cut->parent->apex;
            if (ldns_dname_compare(ldns_rr_owner(record), apex) != 0 &&
                !ldns_dname_is_subdomain(ldns_rr_owner(record), apex))
                continue;
            cut->names[name].has_glue = true;
            add_server(cut, name, record);
        }
    }
}

static void find_addresses(struct walk *walk, struct cut *cut, unsigned name)
{
    static const ldns_rr_type TYPES[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};
    struct walk_way *way = arena_take(walk->arena, 1, sizeof *way);
    for (size_t i = 0; i < 2 && way != NULL && walk->depth <= DEPTH_MAX; i++) {
        walk_way(walk, cut->names[name].name, TYPES[i], way);
        if (way->status != WALK_OK)
            continue;
        const struct walk_link *end = &way->links[way->n_links - 1];
        const ldns_rr_list *records = walk_records(walk, end->reply, (struct cut_question){end->name, TYPES[i]});
        for (size_t r = 0; records != NULL && r < ldns_rr_list_rr_count(records); r++)
            add_server(cut, name, ldns_rr_list_rr(records, r));
    }
}

// Where parent and child share servers, the parent's are asked for the addresses of the child's.
static void complete(struct walk *walk, struct cut *cut, const struct reply *reply)
{
    take_glue(cut, reply->packet);
    bool is_lent = cut->is_at_parent && cut->n_servers == 0;
    if (is_lent) {
        memcpy(cut->servers, cut->parent->servers, sizeof cut->servers);
        cut->n_servers = cut->parent->n_servers;
    }
    struct cut found = *cut;
    if (is_lent)
        found.n_servers = 0;
    walk->depth++;
    for (unsigned name = 0; name < cut->n_names; name++)
        if (!cut->names[name].has_glue)
            find_addresses(walk, &found, name);
    walk->depth--;
    if (found.n_servers > 0)
        *cut = found;
}

static struct cut *cut_of_list(struct walk *walk, const struct cut *parent, const ldns_rdf *apex,
                               const ldns_rr_list *list)
{
    struct cut *cut = NULL;
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *record = ldns_rr_list_rr(list, i);
        if (ldns_rr_get_type(record) != LDNS_RR_TYPE_NS || ldns_dname_compare(ldns_rr_owner(record), apex) != 0)
            continue;
        if (cut == NULL && (cut = arena_take(walk->arena, 1, sizeof *cut)) == NULL)
            return NULL;
        cut->apex = apex;
        cut->parent = parent;
        const ldns_rdf *name = ldns_rr_rdf(record, 0);
        if (name == NULL || cut->n_names == CUT_NAMES_MAX)
            continue;
        bool is_below = ldns_dname_compare(name, apex) == 0 || ldns_dname_is_subdomain(name, apex);
        cut->names[cut->n_names++] = (struct cut_name){.name = name, .is_below = is_below};
    }
    return cut;
}

// Looks whether a zone begins at `name`, which lies in `above`, and remembers it.
static enum walk_status look(struct walk *walk, const struct cut *above, ldns_rdf *name, struct step **step)
{
    const struct reply *reply;
    bool is_owned = own(walk, name, free_name);
    struct step *made = arena_take(walk->arena, 1, sizeof *made);
    if (!is_owned || made == NULL)
        return WALK_MEMORY;
    enum walk_status status = walk_ask(walk, above, (struct cut_question){name, LDNS_RR_TYPE_NS}, &reply);
    if (status != WALK_OK)
        return status;
    struct cut *cut = cut_of_list(walk, above, name, ldns_pkt_answer(reply->packet));
    if (cut != NULL)
        cut->is_at_parent = true;
    else
        cut = cut_of_list(walk, above, name, ldns_pkt_authority(reply->packet));
    *made = (struct step){.next = walk->steps, .name = name, .cut = cut};
    walk->steps = made;
    if (cut != NULL)
        complete(walk, cut, reply);
    *step = made;
    return WALK_OK;
}

static struct step *find_step(const struct walk *walk, const ldns_rdf *name)
{
    struct step *step = walk->steps;
    while (step != NULL && ldns_dname_compare(step->name, name) != 0)
        step = step->next;
    return step;
}

// The deepest zone among the ancestors of `name` that have at most `n_labels` labels.
static enum walk_status descend(struct walk *walk, const ldns_rdf *name, unsigned n_labels, const struct cut **cut)
{
    unsigned n_all = ldns_dname_label_count(name);
    *cut = walk->root;
    for (unsigned n = 1; n <= n_labels && n <= n_all; n++) {
        ldns_rdf *ancestor = ldns_dname_clone_from(name, (uint16_t)(n_all - n));
        if (ancestor == NULL)
            return WALK_MEMORY;
        struct step *step = find_step(walk, ancestor);
        if (step != NULL) {
            ldns_rdf_deep_free(ancestor);
        } else {
            enum walk_status status = look(walk, *cut, ancestor, &step);
            if (status != WALK_OK)
                return status;
        }
        if (step->cut != NULL)
            *cut = step->cut;
    }
    return WALK_OK;
}

enum walk_status walk_cut(struct walk *walk, const ldns_rdf *name, const struct cut **cut)
{
    return descend(walk, name, UINT32_MAX, cut);
}

enum walk_status walk_cut_above(struct walk *walk, const ldns_rdf *name, const struct cut **cut)
{
    unsigned n = ldns_dname_label_count(name);
    return descend(walk, name, n == 0 ? 0 : n - 1u, cut);
}

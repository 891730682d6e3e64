// SPDX-License-Identifier: MIT
// walk_cut: the tree of zone cuts, which grows downwards from the root.
//
// To find the zone of a name, each of its ancestors is asked for NS records, from the top: a referral, or an answer of
// its own where parent and child share servers, is a cut; anything else is none. A cut is remembered before the
// addresses of its name servers are looked for. So a name server whose name lies in the zone it serves, or in a zone
// that needs this one, meets the unfinished cut and fails there, as it does for every resolver, instead of going round
// for ever.
#include "walk_room.h"

enum { DEPTH_MAX = 8 };

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
    bool is_owned = walk_own(walk, name, walk_free_name);
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

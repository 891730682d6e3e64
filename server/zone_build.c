// SPDX-License-Identifier: MIT
// From config lines to zones, in four steps: every record becomes a draft in the zone that encloses it (SOA and, where
// there is none, NS are added); drafts are sorted, so that those of one rrset lie together; runs become rrsets and
// nodes, with the empty non-terminals above them; at last nodes are linked to what a query will want from them:
// wildcards below, addresses of targets. All of it lives in one arena and is never changed again.
#include "zone_build.h"

#include "draft.h"
#include "wire.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { REFRESH_S = 28800, RETRY_S = 7200, EXPIRE_S = 604800, ADDED_PER_ZONE = 2 };

struct build {
    const struct conf *conf;
    struct log *log;
    struct arena *arena;
    struct zone *zones;
    unsigned n_zones;
    struct draft *drafts;
    unsigned n_drafts;
};

void zones_free(struct zones *zones)
{
    struct arena *arena = zones->arena;
    free(zones);
    arena_free(arena);
}

static enum err refuse(const struct build *build, const char *record, const char *reason)
{
    log_write(build->log, LOG_ERROR, "zone.refused", LOG_STR("at", build->conf->records_place),
              LOG_STR("record", record), LOG_STR("reason", reason));
    return ERR_SYNTAX;
}

// --- Step 1: records to drafts ---

// The deepest zone that encloses a folded wire name.
static const struct zone *enclosing_zone(const struct build *build, struct bytes owner)
{
    const struct zone *found = NULL;
    for (size_t at = 0; found == NULL && owner.at[at] != 0; at += 1u + owner.at[at])
        for (unsigned i = 0; i < build->n_zones; i++)
            if (bytes_equal((struct bytes){owner.at + at, owner.n - at}, build->zones[i].apex))
                found = &build->zones[i];
    return found;
}

// From here on a target is a prefix of its record's zone, or, in a zone nested in that one or outside, none.
static void cut_target(const struct build *build, struct draft *draft)
{
    if (draft->target.at != NULL && enclosing_zone(build, draft->target) == draft->zone)
        draft->target.n -= draft->zone->apex.n;
    else
        draft->target = (struct bytes){0};
}

static enum err add_record(struct build *build, const char *text)
{
    struct parsed *parsed;
    const char *reason = "";
    enum err err = draft_parse(&parsed, text, &reason);
    if (err == ERR_SYNTAX)
        return refuse(build, text, reason);
    if (err != ERR_OK)
        return err;
    struct draft draft = {.zone = enclosing_zone(build, draft_owner(parsed)), .number = build->n_drafts};
    if (draft.zone == NULL) {
        log_write(build->log, LOG_WARN, "zone.record_left_out", LOG_STR("record", text),
                  LOG_STR("reason", "it lies outside the zones"));
    } else {
        err = draft_write(&draft, parsed, draft.zone->apex, build->arena);
        cut_target(build, &draft);
        if (err == ERR_OK)
            build->drafts[build->n_drafts++] = draft;
    }
    draft_parsed_free(parsed);
    return err;
}

static bool has_apex_draft(const struct build *build, const struct zone *zone, uint16_t type)
{
    for (unsigned i = 0; i < build->n_drafts; i++)
        if (build->drafts[i].zone == zone && build->drafts[i].prefix.n == 0 && build->drafts[i].type == type)
            return true;
    return false;
}

// SOA and, where the config gives none, NS of one zone.
static enum err add_own_records(struct build *build, unsigned zone)
{
    const struct conf *conf = build->conf;
    const char *domain = conf->general_domain.at[zone];
    char text[4 * NAME_MAX_BYTES + 128];
    int negative_ttl = (int)conf->general_negative_ttl;
    int n = snprintf(text, sizeof text, "%s. %d IN SOA %s. %s. 0 %d %d %d %d", domain, negative_ttl,
                     conf->general_nsname, conf->general_nsadmin, REFRESH_S, RETRY_S, EXPIRE_S, negative_ttl);
    if (n < 0 || (size_t)n >= sizeof text)
        return refuse(build, domain, "the names for the SOA are too long");
    enum err err = add_record(build, text);
    if (err != ERR_OK || has_apex_draft(build, &build->zones[zone], TYPE_NS))
        return err;
    snprintf(text, sizeof text, "%s. IN NS %s.", domain, conf->general_nsname);
    return add_record(build, text);
}

static enum err collect_drafts(struct build *build)
{
    const struct texts *records = &build->conf->general_records;
    build->drafts = arena_take(build->arena, records->n + ADDED_PER_ZONE * build->n_zones, sizeof *build->drafts);
    enum err err = build->drafts == NULL ? ERR_MEMORY : ERR_OK;
    for (size_t i = 0; i < records->n && err == ERR_OK; i++) {
        err = add_record(build, records->at[i]);
        if (err == ERR_OK && build->n_drafts != 0 && build->drafts[build->n_drafts - 1].type == TYPE_SOA)
            err = refuse(build, records->at[i],
                         "the SOA is made from nsname, nsadmin and negative_ttl: leave it out of the records");
    }
    for (unsigned i = 0; i < build->n_zones && err == ERR_OK; i++)
        err = add_own_records(build, i);
    return err;
}

// --- Step 2: drafts in order ---

static int compare_bytes(struct bytes a, struct bytes b)
{
    int order = memcmp(a.at, b.at, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

// By zone, owner, type; what is equal in these stays in the order of the config.
static int compare_drafts(const void *left, const void *right)
{
    const struct draft *a = left;
    const struct draft *b = right;
    if (a->zone != b->zone)
        return a->zone < b->zone ? -1 : 1;
    int order = compare_bytes(a->prefix, b->prefix);
    if (order == 0)
        order = (a->type > b->type) - (a->type < b->type);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static bool is_same_owner(const struct draft *a, const struct draft *b)
{
    return a->zone == b->zone && bytes_equal(a->prefix, b->prefix);
}

static bool is_same_rrset(const struct draft *a, const struct draft *b)
{
    return is_same_owner(a, b) && a->type == b->type;
}

static bool is_repeated(const struct draft *first, const struct draft *draft)
{
    for (; first < draft; first++)
        if (bytes_equal(first->rdata, draft->rdata))
            return true;
    return false;
}

// --- Step 3: runs to rrsets and nodes ---

// Where a prefix is, or would be put, in the table.
static const struct node **table_slot(const struct zone *zone, struct bytes prefix)
{
    const struct node **table = (const struct node **)(uintptr_t)zone->table; // ours to fill while the zone is made
    uint32_t at = name_hash(prefix) & zone->table_mask;
    while (table[at] != NULL && !bytes_equal(table[at]->prefix, prefix))
        at = (at + 1) & zone->table_mask;
    return &table[at];
}

// Makes the node and the empty non-terminals between it and the apex. The nodes of the table are still ours to change.
static struct node *make_node(struct build *build, const struct zone *zone, struct bytes prefix)
{
    for (size_t at = 0;; at += 1u + prefix.at[at]) {
        struct bytes rest = {prefix.at + at, prefix.n - at};
        const struct node **slot = table_slot(zone, rest);
        if (*slot == NULL) {
            struct node *node = arena_take(build->arena, 1, sizeof *node);
            if (node == NULL)
                return NULL;
            node->prefix = rest;
            *slot = node;
        }
        if (rest.n == 0)
            return (struct node *)(uintptr_t)*table_slot(zone, prefix);
    }
}

// One rrset out of the drafts of a run, without repetitions and with the lowest TTL (RFC 2181 5.2).
static enum err make_rrset(struct build *build, struct rrset *rrset, const struct draft *first, const struct draft *end)
{
    size_t n_bytes = 0;
    size_t n_marks = 0;
    for (const struct draft *draft = first; draft < end; draft++) {
        n_bytes += draft->rdata.n;
        n_marks += draft->n_marks;
    }
    uint8_t *rdata = arena_take(build->arena, n_bytes, 1);
    uint16_t *marks = arena_take(build->arena, n_marks + 1, sizeof *marks);
    if (rdata == NULL || marks == NULL)
        return ERR_MEMORY;
    if (n_bytes > UINT16_MAX)
        return refuse(build, "rrset", "its records do not fit into one message");

    *rrset = (struct rrset){.type = first->type, .ttl = first->ttl, .marks = marks, .target = first->target};
    struct writer w = writer_of(rdata, n_bytes);
    for (const struct draft *draft = first; draft < end; draft++) {
        rrset->ttl = draft->ttl < rrset->ttl ? draft->ttl : rrset->ttl;
        if (is_repeated(first, draft))
            continue;
        for (unsigned i = 0; i < draft->n_marks; i++)
            marks[rrset->n_marks++] = (uint16_t)(writer_used(&w) + draft->marks[i]);
        put_bytes(&w, draft->rdata.at, draft->rdata.n);
        rrset->n_rrs++;
    }
    assert(!w.is_bad);
    rrset->rdata = (struct bytes){rdata, writer_used(&w)};
    return ERR_OK;
}

static const char *find_conflict(const struct node *node)
{
    const struct rrset *cname = node_rrset(node, TYPE_CNAME);
    if (cname == NULL)
        return NULL;
    if (node->prefix.n == 0)
        return "a CNAME cannot stand at the apex";
    if (node->n_rrsets > 1)
        return "a CNAME cannot stand with other records of the same name (RFC 2181 10.1)";
    return cname->n_rrs > 1 ? "a name can have only one CNAME" : NULL;
}

// The records of one owner.
static enum err fill_node(struct build *build, const struct draft *first, const struct draft *end)
{
    struct node *node = make_node(build, first->zone, first->prefix);
    struct rrset *rrsets = arena_take(build->arena, (size_t)(end - first), sizeof *rrsets);
    if (node == NULL || rrsets == NULL)
        return ERR_MEMORY;
    node->rrsets = rrsets;
    while (first < end) {
        const struct draft *run = first;
        while (first < end && is_same_rrset(run, first))
            first++;
        enum err err = make_rrset(build, &rrsets[node->n_rrsets], run, first);
        if (err != ERR_OK)
            return err;
        node->n_rrsets++;
    }
    node->is_cut = node->prefix.n != 0 && node_rrset(node, TYPE_NS) != NULL;
    const char *conflict = find_conflict(node);
    return conflict == NULL ? ERR_OK
                            : refuse(build, build->conf->general_domain.at[first[-1].zone - build->zones], conflict);
}

static unsigned count_labels(struct bytes prefix)
{
    unsigned n = 0;
    for (size_t at = 0; at < prefix.n && prefix.at[at] != 0; at += 1u + prefix.at[at])
        n++;
    return n;
}

// Room for every node the drafts can bring, half empty.
static enum err make_tables(struct build *build)
{
    for (unsigned i = 0; i < build->n_zones; i++) {
        size_t n_nodes = 1;
        for (unsigned k = 0; k < build->n_drafts; k++)
            if (build->drafts[k].zone == &build->zones[i])
                n_nodes += count_labels(build->drafts[k].prefix);
        n_nodes += build->conf->acme.names.n; // each with one label more than a name that has records
        uint32_t n_slots = 2;
        while (n_slots < 2 * n_nodes)
            n_slots *= 2;
        build->zones[i].table = arena_take(build->arena, n_slots, sizeof *build->zones[i].table);
        build->zones[i].table_mask = n_slots - 1;
        if (build->zones[i].table == NULL)
            return ERR_MEMORY;
    }
    return ERR_OK;
}

static enum err make_nodes(struct build *build)
{
    enum err err = make_tables(build);
    const struct draft *first = build->drafts;
    const struct draft *end = build->drafts + build->n_drafts;
    while (first < end && err == ERR_OK) {
        const struct draft *run = first;
        while (first < end && is_same_owner(run, first))
            first++;
        err = fill_node(build, run, first);
    }
    return err;
}

// Where the authority looks before it certifies `name`. A node there must not be what makes the name exist: that would
// hide the wildcard that covered it.
static enum err add_challenge(struct build *build, const char *name)
{
    char text[NAME_MAX_BYTES + sizeof CHALLENGE_LABEL];
    struct bytes owner;
    snprintf(text, sizeof text, CHALLENGE_LABEL ".%s", name);
    enum err err = draft_parse_name(&owner, text, build->arena);
    if (err != ERR_OK)
        return err == ERR_SYNTAX ? refuse(build, name, "it is no name") : err;
    const struct zone *zone = enclosing_zone(build, owner);
    assert(zone != NULL); // config_check saw to it
    struct bytes prefix = {owner.at, owner.n - zone->apex.n};
    if (prefix.n < sizeof CHALLENGE_LABEL)
        return refuse(build, text, "the server's own certificate needs this name: it cannot be a domain of its own");
    struct bytes rest = {owner.at + sizeof CHALLENGE_LABEL, prefix.n - sizeof CHALLENGE_LABEL};
    for (size_t at = 0; at < rest.n; at += 1u + rest.at[at]) {
        const struct node *node = zone_find(zone, (struct bytes){rest.at + at, rest.n - at});
        if (node == NULL)
            return refuse(build, name, "it has no record, but api_domain names it: give it one, an A for instance");
        if (node->is_cut)
            return refuse(build, name, "api_domain names it, but it is delegated to another server");
    }
    struct node *node = make_node(build, zone, prefix);
    if (node == NULL)
        return ERR_MEMORY;
    if (node_rrset(node, TYPE_TXT) != NULL || node_rrset(node, TYPE_CNAME) != NULL || node->is_cut)
        return refuse(build, text, "the server's own certificate needs this name: leave it out of the records");
    node->is_own_challenge = true;
    return ERR_OK;
}

static enum err add_challenges(struct build *build)
{
    const struct texts *names = &build->conf->acme.names;
    enum err err = ERR_OK;
    for (size_t i = 0; i < names->n && err == ERR_OK; i++)
        err = add_challenge(build, names->at[i]);
    return err;
}

// --- Step 4: links ---

static bool has_address(const struct node *node)
{
    return node_rrset(node, TYPE_A) != NULL || node_rrset(node, TYPE_AAAA) != NULL;
}

static bool is_listed(const struct node *const *nodes, unsigned n, const struct node *node)
{
    for (unsigned i = 0; i < n; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

// The nodes with addresses that the drafts of one rrset point to.
static enum err link_additionals(struct build *build, const struct draft *first, const struct draft *end)
{
    const struct node **nodes = arena_take(build->arena, (size_t)(end - first), sizeof *nodes);
    if (nodes == NULL)
        return ERR_MEMORY;
    const struct node *owner = zone_find(first->zone, first->prefix);
    struct rrset *rrset = (struct rrset *)(uintptr_t)node_rrset(owner, first->type);
    for (const struct draft *draft = first; draft < end; draft++) {
        const struct node *node = draft->target.at == NULL ? NULL : zone_find(draft->zone, draft->target);
        if (node != NULL && has_address(node) && !is_listed(nodes, rrset->n_additionals, node))
            nodes[rrset->n_additionals++] = node;
    }
    rrset->additionals = nodes;
    return ERR_OK;
}

static enum err link_rrsets(struct build *build)
{
    enum err err = ERR_OK;
    const struct draft *first = build->drafts;
    const struct draft *end = build->drafts + build->n_drafts;
    while (first < end && err == ERR_OK) {
        const struct draft *run = first;
        while (first < end && is_same_rrset(run, first))
            first++;
        if (run->type != TYPE_CNAME)
            err = link_additionals(build, run, first);
    }
    return err;
}

static void link_wildcards(const struct zone *zone)
{
    for (uint32_t i = 0; i <= zone->table_mask; i++) {
        const struct node *node = zone->table[i];
        if (node == NULL || node->prefix.n < 2 || node->prefix.at[0] != 1 || node->prefix.at[1] != '*')
            continue;
        struct bytes parent = {node->prefix.at + 2, node->prefix.n - 2};
        ((struct node *)(uintptr_t)zone_find(zone, parent))->wildcard = node;
    }
}

// --- All of it ---

static enum err start_zones(struct build *build)
{
    const struct texts *domains = &build->conf->general_domain;
    build->zones = arena_take(build->arena, domains->n, sizeof *build->zones);
    if (build->zones == NULL)
        return ERR_MEMORY;
    for (; build->n_zones < domains->n; build->n_zones++) {
        struct zone *zone = &build->zones[build->n_zones];
        enum err err = draft_parse_name(&zone->apex, domains->at[build->n_zones], build->arena);
        if (err == ERR_SYNTAX || (err == ERR_OK && zone->apex.n < 2))
            return refuse(build, domains->at[build->n_zones], "the domain is no name of a zone");
        if (err != ERR_OK)
            return err;
        zone->n_labels = count_labels(zone->apex);
    }
    return ERR_OK;
}

static enum err make_chaos_version(struct build *build, struct rrset *rrset)
{
    struct bytes text = bytes_of_text(build->conf->general_chaos_version);
    if (text.n == 0)
        return ERR_OK;
    assert(text.n <= UINT8_MAX);
    uint8_t *rdata = arena_take(build->arena, text.n + 3, 1);
    if (rdata == NULL)
        return ERR_MEMORY;
    struct writer w = writer_of(rdata, text.n + 3);
    put_u16(&w, (unsigned)text.n + 1);
    put_u8(&w, (unsigned)text.n);
    put_bytes(&w, text.at, text.n);
    *rrset = (struct rrset){.type = TYPE_TXT, .n_rrs = 1, .rdata = {rdata, text.n + 3}};
    return ERR_OK;
}

static enum err build_all(struct build *build, struct rrset *chaos_version)
{
    enum err err = start_zones(build);
    if (err == ERR_OK)
        err = collect_drafts(build);
    if (err != ERR_OK)
        return err;
    qsort(build->drafts, build->n_drafts, sizeof *build->drafts, compare_drafts);
    err = make_nodes(build);
    if (err == ERR_OK)
        err = add_challenges(build);
    if (err == ERR_OK)
        err = link_rrsets(build);
    if (err == ERR_OK)
        err = make_chaos_version(build, chaos_version);
    for (unsigned i = 0; i < build->n_zones && err == ERR_OK; i++) {
        struct zone *zone = &build->zones[i];
        link_wildcards(zone);
        zone->apex_node = zone_find(zone, (struct bytes){0});
        zone->soa = node_rrset(zone->apex_node, TYPE_SOA);
    }
    return err;
}

enum err zones_new(struct zones **zones, const struct conf *conf, struct log *log)
{
    struct build build = {.conf = conf, .log = log};
    enum err err = arena_new(&build.arena);
    if (err != ERR_OK)
        return err;
    struct zones *self = calloc(1, sizeof *self);
    err = self == NULL ? ERR_MEMORY : build_all(&build, &self->chaos_version);
    if (err != ERR_OK) {
        free(self);
        arena_free(build.arena);
        return err;
    }
    atomic_init(&self->n_references, 1);
    self->arena = build.arena;
    self->at = build.zones;
    self->n = build.n_zones;
    *zones = self;
    return ERR_OK;
}

// SPDX-License-Identifier: MIT
// RFC 1034 4.3.2 with RFC 4592 for wildcards, over two sources: the zone's static nodes and, one label below the apex,
// the accounts in the store. Starting at the apex the name is walked down label by label. The walk ends
//
//   - at the whole name: its rrset, its CNAME (followed within the zone) or NODATA;
//   - at a delegation: a referral;
//   - at an account: its values, or what is said of names below it;
//   - where nothing more exists: the wildcard beside that point, or NXDOMAIN.
//
// An account is a node of the zone like any other, so a wildcard above never reaches below it, and a registered name
// without values is NODATA, never NXDOMAIN.
#include "lookup.h"

enum { CHAIN_MAX = 8, ANY_TTL_S = 3789 };

// The rrset that stands for all others when ANY is asked (RFC 8482 4.2).
static const struct rrset any_answer = {
    .type = TYPE_HINFO, .n_rrs = 1, .ttl = ANY_TTL_S, .rdata = {(const uint8_t *)"\0\x09\x07RFC8482\0", 11}};

// One name on its way through the zone: the qname at first, then the targets of CNAMEs.
struct walk {
    struct found *found;
    const struct lookup *lookup;
    const struct query *query;
    const struct zone *zone;
    struct bytes prefix;
    enum owner_end end;
};

static void add(struct walk *walk, enum section section, const struct rrset *rrset, struct bytes prefix,
                enum owner_end end)
{
    struct found *found = walk->found;
    if (found->n_rrsets == FOUND_MAX)
        return;
    found->rrsets[found->n_rrsets++] = (struct found_rrset){rrset, prefix, end};
    found->n[section]++;
}

// An rrset owned by the name that is walked.
static void add_answer(struct walk *walk, const struct rrset *rrset)
{
    struct bytes prefix = walk->prefix;
    if (walk->end == OWNER_IS_QNAME) // all of it stands in the question
        prefix.n = 0;
    add(walk, SECTION_ANSWER, rrset, prefix, walk->end);
}

// The addresses of the names an rrset points to, unless the answer holds them already (RFC 1034 4.3.2 step 6).
static void add_additionals(struct walk *walk, const struct rrset *rrset)
{
    static const uint16_t types[] = {TYPE_A, TYPE_AAAA};
    for (unsigned i = 0; i < rrset->n_additionals; i++) {
        const struct node *node = rrset->additionals[i];
        for (unsigned t = 0; t < 2; t++) {
            const struct rrset *addresses = node_rrset(node, types[t]);
            if (addresses != NULL)
                add(walk, SECTION_ADDITIONAL, addresses, node->prefix, OWNER_ENDS_IN_APEX);
        }
    }
}

// Nothing of this name or type: the SOA says for how long (RFC 2308 2).
static void add_nothing(struct walk *walk, enum rcode rcode)
{
    walk->found->rcode = rcode;
    add(walk, SECTION_AUTHORITY, walk->zone->soa, (struct bytes){0}, OWNER_ENDS_IN_APEX);
}

// Below a delegation we know only who knows more (RFC 1034 4.3.2 step 3b). After a CNAME of ours the answer stays
// authoritative.
static void add_referral(struct walk *walk, const struct node *cut)
{
    const struct rrset *ns = node_rrset(cut, TYPE_NS);
    walk->found->is_referral = true;
    walk->found->is_authoritative = walk->found->n[SECTION_ANSWER] != 0;
    add(walk, SECTION_AUTHORITY, ns, cut->prefix, OWNER_ENDS_IN_APEX);
    add_additionals(walk, ns);
}

static bool is_answered_already(const struct found *found, const struct rrset *rrset)
{
    for (unsigned i = 0; i < found->n_rrsets; i++)
        if (found->rrsets[i].rrset == rrset)
            return true;
    return false;
}

// The name exists, as `node` or by a wildcard. True: go on with another name, now in `walk`.
static bool answer_from_node(struct walk *walk, const struct node *node)
{
    uint16_t qtype = walk->query->qtype;
    const struct rrset *rrset = qtype == TYPE_ANY ? &any_answer : node_rrset(node, qtype);
    if (rrset != NULL) {
        add_answer(walk, rrset);
        add_additionals(walk, rrset);
        return false;
    }
    const struct rrset *cname = node_rrset(node, TYPE_CNAME);
    if (cname == NULL) {
        add_nothing(walk, RCODE_NOERROR);
        return false;
    }
    if (is_answered_already(walk->found, cname)) // a loop: what was collected is the answer
        return false;
    add_answer(walk, cname);
    walk->prefix = cname->target;
    walk->end = OWNER_ENDS_IN_APEX;
    return cname->target.at != NULL;
}

// The name is an account's.
static void answer_from_values(struct walk *walk, const struct txt *txt)
{
    uint16_t qtype = walk->query->qtype;
    if (qtype == TYPE_ANY) {
        add_answer(walk, &any_answer);
    } else if (qtype == TYPE_TXT && txt->n_values != 0 && !txt->is_withheld) {
        walk->found->values = (struct rrset){.type = TYPE_TXT,
                                             .n_rrs = (uint16_t)txt->n_values,
                                             .ttl = (uint32_t)walk->lookup->conf->general_txt_ttl,
                                             .rdata = txt->rdata};
        add_answer(walk, &walk->found->values);
    } else {
        add_nothing(walk, RCODE_NOERROR);
    }
}

// The server's own challenge has a place in every zone, whether there is a value or not.
static const struct bytes own_challenge = {(const uint8_t *)CHALLENGE_LABEL, sizeof CHALLENGE_LABEL - 1};

static enum err find_values(const struct walk *walk, struct bytes label, struct txt *txt)
{
    if (walk->lookup->reader == NULL)
        return ERR_STORE;
    enum err err = store_find_txt(walk->lookup->reader, label, txt);
    if (err != ERR_NOT_FOUND || !bytes_equal(label, own_challenge))
        return err;
    *txt = (struct txt){.n_values = 0};
    return ERR_OK;
}

// The store does not know well enough what is there, or whether anything is. "Invalid Data" is RFC 8914's word for data
// that is too old; "Not Ready" for a server that is not fully functional yet.
static void refuse_unfit(struct walk *walk)
{
    walk->found->rcode = RCODE_SERVFAIL;
    walk->found->ede = walk->lookup->fitness == STORE_STALE ? EDE_INVALID_DATA : EDE_NOT_READY;
}

// The label right below the apex is no static node: an account, or nothing. False: there is nothing.
static bool answer_from_store(struct walk *walk, struct bytes label, bool is_whole)
{
    struct txt txt;
    if (walk->lookup->fitness != STORE_FIT) {
        refuse_unfit(walk);
        return true;
    }
    enum err err = find_values(walk, label, &txt);
    if (err == ERR_NOT_FOUND)
        return false;
    if (err != ERR_OK)
        refuse_unfit(walk);
    else if (is_whole)
        answer_from_values(walk, &txt);
    else if (walk->lookup->conf->general_nodata_below && walk->prefix.at[1] == '_')
        add_nothing(walk, RCODE_NOERROR);
    else
        add_nothing(walk, RCODE_NXDOMAIN);
    return true;
}

// Walks one name from the apex down. True: go on with another name, now in `walk`.
static bool walk_down(struct walk *walk)
{
    uint8_t label[NAME_MAX_LABELS];
    unsigned n_labels = 0;
    for (size_t at = 0; at < walk->prefix.n; at += 1u + walk->prefix.at[at])
        label[n_labels++] = (uint8_t)at;

    const struct node *node = walk->zone->apex_node;
    for (unsigned i = n_labels; i-- > 0;) {
        // cppcheck-suppress uninitvar ; there are n_labels of them
        const uint8_t *rest = walk->prefix.at + label[i];
        const struct node *parent = node;
        node = zone_find(walk->zone, (struct bytes){rest, walk->prefix.n - label[i]});
        if (node == NULL) {
            bool is_first = i == n_labels - 1;
            if (is_first && answer_from_store(walk, (struct bytes){rest + 1, rest[0]}, i == 0))
                return false;
            if (parent->wildcard != NULL)
                return answer_from_node(walk, parent->wildcard);
            add_nothing(walk, RCODE_NXDOMAIN);
            return false;
        }
        if (node->is_cut && !(i == 0 && walk->query->qtype == TYPE_DS)) {
            add_referral(walk, node);
            return false;
        }
    }
    if (node->is_own_challenge && (walk->query->qtype == TYPE_TXT || node->n_rrsets == 0)) {
        answer_from_store(walk, own_challenge, true);
        return false;
    }
    return answer_from_node(walk, node);
}

// Types that ask for something other than records.
static enum rcode refuse_type(uint16_t qtype)
{
    if (qtype == TYPE_AXFR || qtype == TYPE_IXFR)
        return RCODE_REFUSED;
    bool is_meta = qtype == TYPE_OPT || (qtype >= TYPE_TKEY && qtype < TYPE_ANY);
    return is_meta ? RCODE_NOTIMP : RCODE_NOERROR;
}

static bool is_chaos_version(const struct query *query)
{
    static const char bind[] = "\7version\4bind";
    static const char server[] = "\7version\6server";
    struct bytes qname = {query->qname, query->n_qname};
    return query->qclass == CLASS_CH && query->qtype == TYPE_TXT &&
           (bytes_equal(qname, (struct bytes){(const uint8_t *)bind, sizeof bind}) ||
            bytes_equal(qname, (struct bytes){(const uint8_t *)server, sizeof server}));
}

static void find_chaos(struct found *found, const struct lookup *lookup, const struct query *query)
{
    const struct rrset *version = is_chaos_version(query) ? zones_chaos_version(lookup->zones) : NULL;
    if (version == NULL) {
        found->rcode = RCODE_REFUSED;
        return;
    }
    struct walk walk = {.found = found, .end = OWNER_IS_QNAME};
    found->is_authoritative = true;
    add_answer(&walk, version);
}

// Most names that are asked for lie right below the apex: their first label is what the store has.
void lookup_ahead(const struct lookup *lookup, const struct bytes *messages, size_t n)
{
    struct bytes labels[STORE_AHEAD_MAX];
    size_t n_labels = 0;
    if (lookup->reader == NULL)
        return;
    for (size_t i = 0; i < n && n_labels < STORE_AHEAD_MAX; i++) {
        struct reader r = reader_of(messages[i].at, messages[i].n);
        take_bytes(&r, HEADER_BYTES);
        size_t n_label = take_u8(&r);
        const uint8_t *label = take_bytes(&r, n_label);
        if (!r.is_bad)
            labels[n_labels++] = (struct bytes){label, n_label};
    }
    store_look_ahead(lookup->reader, labels, n_labels);
}

void lookup_find(struct found *found, const struct lookup *lookup, const struct query *query)
{
    found->rcode = RCODE_NOERROR;
    found->ede = EDE_NONE;
    found->is_authoritative = found->is_referral = false;
    found->zone = NULL;
    found->n[SECTION_ANSWER] = found->n[SECTION_AUTHORITY] = found->n[SECTION_ADDITIONAL] = 0;
    found->n_rrsets = 0;
    if (query->qclass != CLASS_IN) {
        find_chaos(found, lookup, query);
        return;
    }
    found->rcode = refuse_type(query->qtype);
    if (found->rcode != RCODE_NOERROR)
        return;
    const struct zone *zone = zones_find(lookup->zones, query->qname, query->label, query->n_labels);
    if (zone == NULL) {
        found->rcode = RCODE_REFUSED;
        found->ede = EDE_NOT_AUTHORITATIVE;
        return;
    }
    found->zone = zone;
    found->is_authoritative = true;
    struct walk walk = {.found = found,
                        .lookup = lookup,
                        .query = query,
                        .zone = zone,
                        .prefix = {query->qname, query->n_qname - zone->apex.n},
                        .end = OWNER_IS_QNAME};
    for (unsigned n = 0; n < CHAIN_MAX && walk_down(&walk); n++)
        ;
}

// SPDX-License-Identifier: MIT
// secure: from the anchor down, zone by zone (RFC 4035 5): the parent's DS, signed by the parent, names a key; that key
// signs the zone's keys; and those sign everything else. No DS, and a signed proof that there is none, ends the chain
// in good order: the zone is plain. Anything between is bogus.
#include "secure.h"

#include <stdarg.h>
#include <stdio.h>

struct known {
    struct known *next;
    struct secure_zone zone;
};

struct secure {
    struct walk *walk;
    const ldns_rr_list *anchors;
    struct known *known;
};

enum err secure_open(struct secure **secure, struct walk *walk, const ldns_rr_list *anchors)
{
    struct secure *made = arena_take(walk_arena(walk), 1, sizeof *made);
    if (made == NULL)
        return ERR_MEMORY;
    *made = (struct secure){.walk = walk, .anchors = anchors};
    *secure = made;
    return ERR_OK;
}

static const char *say(struct secure *secure, const char *format, ...) __attribute__((format(printf, 2, 3)));

static const char *say(struct secure *secure, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = arena_take_text(walk_arena(secure->walk), bytes_of_text(text));
    return copy == NULL ? "out of memory" : copy;
}

// -- Signatures

struct rrset {
    const ldns_rdf *owner;
    ldns_rr_type type;
    ldns_rr_list *records;    // the lists are ours, the records the packet's
    ldns_rr_list *signatures; // by the zone
};

static bool is_signature_of(const ldns_rr *record, const struct rrset *rrset, const struct cut *cut)
{
    if (ldns_rr_get_type(record) != LDNS_RR_TYPE_RRSIG || ldns_rr_rd_count(record) < 9)
        return false;
    const ldns_rdf *covered = ldns_rr_rrsig_typecovered(record);
    const ldns_rdf *signer = ldns_rr_rrsig_signame(record);
    return covered != NULL && signer != NULL && ldns_rdf2rr_type(covered) == rrset->type &&
           ldns_dname_compare(signer, cut->apex) == 0;
}

// Collects from one section. False: out of memory; the lists are there to be freed all the same.
static bool collect(struct rrset *rrset, const ldns_rr_list *section, const struct cut *cut)
{
    rrset->records = ldns_rr_list_new();
    rrset->signatures = ldns_rr_list_new();
    if (rrset->records == NULL || rrset->signatures == NULL)
        return false;
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        ldns_rr *record = ldns_rr_list_rr(section, i);
        if (ldns_dname_compare(ldns_rr_owner(record), rrset->owner) != 0)
            continue;
        if (ldns_rr_get_type(record) == rrset->type)
            ldns_rr_list_push_rr(rrset->records, record);
        else if (is_signature_of(record, rrset, cut))
            ldns_rr_list_push_rr(rrset->signatures, record);
    }
    return true;
}

static void release(struct rrset *rrset)
{
    ldns_rr_list_free(rrset->records);
    ldns_rr_list_free(rrset->signatures);
}

static const char *type_text(struct secure *secure, ldns_rr_type type)
{
    char *text = ldns_rr_type2str(type);
    const char *copy = say(secure, "%s", text == NULL ? "?" : text);
    free(text);
    return copy;
}

// NULL: one of the signatures is good. The records must be there.
static const char *verify(struct secure *secure, const struct rrset *rrset, const ldns_rr_list *keys)
{
    const char *owner = walk_text(secure->walk, rrset->owner), *type = type_text(secure, rrset->type);
    if (ldns_rr_list_rr_count(rrset->signatures) == 0)
        return say(secure, "the %s records of %s have no signature", type, owner);
    ldns_status status = LDNS_STATUS_CRYPTO_NO_MATCHING_KEYTAG_DNSKEY;
    for (size_t i = 0; i < ldns_rr_list_rr_count(rrset->signatures); i++) {
        ldns_rr *signature = ldns_rr_list_rr(rrset->signatures, i);
        ldns_status one = ldns_verify_rrsig_keylist(rrset->records, signature, keys, NULL);
        if (one == LDNS_STATUS_OK)
            return NULL;
        if (one != LDNS_STATUS_CRYPTO_NO_MATCHING_KEYTAG_DNSKEY)
            status = one;
    }
    if (status == LDNS_STATUS_CRYPTO_SIG_EXPIRED)
        return say(secure, "the signature of the %s records of %s has expired", type, owner);
    if (status == LDNS_STATUS_CRYPTO_SIG_NOT_INCEPTED)
        return say(secure, "the signature of the %s records of %s is not valid yet", type, owner);
    return say(secure, "no signature of the %s records of %s is good (%s)", type, owner,
               ldns_get_errorstr_by_id(status));
}

// Verifies the records of that owner and type in the section. NULL: good.
static const char *verify_section(struct secure *secure, const struct secure_zone *zone, struct cut_question question,
                                  const ldns_rr_list *section)
{
    struct rrset rrset = {.owner = question.name, .type = question.type};
    const char *why = collect(&rrset, section, zone->cut) ? verify(secure, &rrset, zone->keys) : "out of memory";
    release(&rrset);
    return why;
}

// -- Proofs that there is nothing

static bool nsec_denies(const ldns_rr *nsec, struct cut_question question)
{
    const ldns_rdf *owner = ldns_rr_owner(nsec), *next = ldns_rr_rdf(nsec, 0);
    const ldns_rdf *bitmap = ldns_nsec_get_bitmap(nsec);
    if (next == NULL || bitmap == NULL || ldns_rdf_get_type(next) != LDNS_RDF_TYPE_DNAME)
        return false;
    if (ldns_dname_compare(owner, question.name) == 0) {
        bool is_of_child = question.type == LDNS_RR_TYPE_DS && ldns_nsec_bitmap_covers_type(bitmap, LDNS_RR_TYPE_SOA);
        return !is_of_child && !ldns_nsec_bitmap_covers_type(bitmap, question.type) &&
               !ldns_nsec_bitmap_covers_type(bitmap, LDNS_RR_TYPE_CNAME);
    }
    return ldns_nsec_covers_name(nsec, question.name);
}

// The name's place in the chain of hashes; the caller's. NULL: memory is out.
static ldns_rdf *hash_name(const ldns_rr *nsec3, const ldns_rdf *name, const ldns_rdf *apex)
{
    ldns_rdf *hash = ldns_nsec3_hash_name_frm_nsec3(nsec3, name);
    if (hash != NULL && ldns_dname_cat(hash, apex) == LDNS_STATUS_OK)
        return hash;
    ldns_rdf_deep_free(hash);
    return NULL;
}

// Whether the NSEC3 is that of the name and lists no such type, or covers the name or one of those above it in the
// zone. (ldns_dnssec_verify_denial_nsec3 loses memory with each call.)
static bool nsec3_denies(const ldns_rr *nsec3, struct cut_question question, const ldns_rdf *apex)
{
    unsigned n_below = ldns_dname_label_count(question.name) - ldns_dname_label_count(apex);
    for (unsigned i = 0; i < n_below || i == 0; i++) {
        ldns_rdf *name = ldns_dname_clone_from(question.name, (uint16_t)i);
        ldns_rdf *hash = name == NULL ? NULL : hash_name(nsec3, name, apex);
        ldns_rdf_deep_free(name);
        bool is_own = hash != NULL && i == 0 && ldns_dname_compare(hash, ldns_rr_owner(nsec3)) == 0;
        bool is_covered = hash != NULL && !is_own && ldns_dname_compare(hash, ldns_rr_owner(nsec3)) != 0 &&
                          ldns_nsec_covers_name(nsec3, hash);
        ldns_rdf_deep_free(hash);
        const ldns_rdf *bitmap = ldns_nsec3_bitmap(nsec3);
        if (is_own)
            return bitmap != NULL && !ldns_nsec_bitmap_covers_type(bitmap, question.type) &&
                   !ldns_nsec_bitmap_covers_type(bitmap, LDNS_RR_TYPE_CNAME) &&
                   !(question.type == LDNS_RR_TYPE_DS && ldns_nsec_bitmap_covers_type(bitmap, LDNS_RR_TYPE_SOA));
        if (is_covered)
            return true;
    }
    return false;
}

// Verifies every NSEC and NSEC3 of the authority section, then looks for one that denies what was asked.
static const char *verify_denial(struct secure *secure, const struct secure_zone *zone, struct cut_question question,
                                 const ldns_pkt *packet)
{
    const ldns_rr_list *authority = ldns_pkt_authority(packet);
    const char *name = walk_text(secure->walk, question.name), *type = type_text(secure, question.type);
    bool is_denied = false, has_any = false;
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < ldns_rr_list_rr_count(authority); i++) {
        ldns_rr *record = ldns_rr_list_rr(authority, i);
        ldns_rr_type kind = ldns_rr_get_type(record);
        if (kind != LDNS_RR_TYPE_NSEC && kind != LDNS_RR_TYPE_NSEC3)
            continue;
        has_any = true;
        why = verify_section(secure, zone, (struct cut_question){ldns_rr_owner(record), kind}, authority);
        is_denied |=
            kind == LDNS_RR_TYPE_NSEC ? nsec_denies(record, question) : nsec3_denies(record, question, zone->cut->apex);
    }
    if (why != NULL || is_denied)
        return why;
    return say(secure,
               has_any ? "the proof that %s has no %s record does not fit"
                       : "there is no signed proof that %s has no %s record",
               name, type);
}

// -- Zones

static void set(struct secure_zone *zone, enum secure_state state, const struct cut *at, const char *why)
{
    zone->state = state;
    zone->at = at;
    zone->why = why;
}

// The anchors of the zone itself; an empty list when there are none. The list is the caller's, the records are not.
static ldns_rr_list *anchors_of(const struct secure *secure, const struct cut *cut)
{
    ldns_rr_list *list = ldns_rr_list_new();
    for (size_t i = 0; list != NULL && i < ldns_rr_list_rr_count(secure->anchors); i++) {
        ldns_rr *anchor = ldns_rr_list_rr(secure->anchors, i);
        if (ldns_dname_compare(ldns_rr_owner(anchor), cut->apex) == 0)
            ldns_rr_list_push_rr(list, anchor);
    }
    return list;
}

static bool is_vouched_for(const ldns_rr *key, const ldns_rr_list *anchors)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(anchors); i++) {
        const ldns_rr *anchor = ldns_rr_list_rr(anchors, i);
        if (ldns_rr_get_type(anchor) == LDNS_RR_TYPE_DS ? ldns_rr_compare_ds(anchor, key)
                                                        : ldns_rr_compare(anchor, key) == 0)
            return true;
    }
    return false;
}

// Takes the zone's keys when one that an anchor or DS names signs them all.
static void take_keys(struct secure *secure, struct secure_zone *zone, const ldns_rr_list *anchors)
{
    const struct cut *cut = zone->cut;
    struct cut_question question = {cut->apex, LDNS_RR_TYPE_DNSKEY};
    const struct reply *reply;
    const char *name = walk_text(secure->walk, cut->apex);
    enum walk_status status = walk_ask(secure->walk, cut, question, &reply);
    if (status != WALK_OK && status != WALK_REFUSED) {
        set(zone, SECURE_UNKNOWN, cut, say(secure, "the keys of %s cannot be had: %s", name, walk_status_text(status)));
        return;
    }
    const ldns_rr_list *keys = status == WALK_OK ? walk_records(secure->walk, reply, question) : NULL;
    if (keys == NULL) {
        set(zone, SECURE_BOGUS, cut,
            say(secure, "the parent zone has a DS record for %s, but %s is not signed (it has no DNSKEY)", name, name));
        return;
    }
    struct rrset rrset = {.owner = cut->apex, .type = LDNS_RR_TYPE_DNSKEY};
    ldns_rr_list *vouched = ldns_rr_list_new();
    for (size_t i = 0; vouched != NULL && i < ldns_rr_list_rr_count(keys); i++)
        if (is_vouched_for(ldns_rr_list_rr(keys, i), anchors))
            ldns_rr_list_push_rr(vouched, ldns_rr_list_rr(keys, i));
    const char *why = "out of memory";
    if (vouched != NULL && ldns_rr_list_rr_count(vouched) == 0)
        why = say(secure, "no DS record of %s fits one of its keys", name);
    else if (vouched != NULL && collect(&rrset, ldns_pkt_answer(reply->packet), cut))
        why = verify(secure, &rrset, vouched);
    release(&rrset);
    ldns_rr_list_free(vouched);
    zone->keys = keys;
    set(zone, why == NULL ? SECURE_SIGNED : SECURE_BOGUS, cut, why);
}

static bool is_supported(const ldns_rr *ds)
{
    const ldns_rdf *algorithm = ldns_rr_rdf(ds, 1), *digest = ldns_rr_rdf(ds, 2);
    if (algorithm == NULL || digest == NULL)
        return false;
    unsigned a = ldns_rdf2native_int8(algorithm), d = ldns_rdf2native_int8(digest);
    return (a == 5 || a == 7 || a == 8 || a == 10 || (a >= 13 && a <= 16)) && (d == 1 || d == 2 || d == 4);
}

// A zone below a signed one: what the parent says of it decides.
static void take_delegation(struct secure *secure, struct secure_zone *zone, const struct secure_zone *parent)
{
    struct cut_question question = {zone->cut->apex, LDNS_RR_TYPE_DS};
    const struct reply *reply;
    const char *name = walk_text(secure->walk, zone->cut->apex);
    enum walk_status status = walk_ask(secure->walk, parent->cut, question, &reply);
    if (status != WALK_OK) {
        set(zone, SECURE_UNKNOWN, parent->cut,
            say(secure, "the DS records of %s cannot be had: %s", name, walk_status_text(status)));
        return;
    }
    const ldns_rr_list *records = walk_records(secure->walk, reply, question);
    const char *why = records != NULL ? verify_section(secure, parent, question, ldns_pkt_answer(reply->packet))
                                      : verify_denial(secure, parent, question, reply->packet);
    if (why != NULL) {
        set(zone, SECURE_BOGUS, parent->cut, why);
        return;
    }
    for (size_t i = 0; records != NULL && i < ldns_rr_list_rr_count(records); i++) {
        if (is_supported(ldns_rr_list_rr(records, i))) {
            take_keys(secure, zone, records);
            return;
        }
    }
    set(zone, SECURE_PLAIN, zone->cut, NULL);
}

const struct secure_zone *secure_zone(struct secure *secure, const struct cut *cut)
{
    static const struct secure_zone no_memory = {.state = SECURE_UNKNOWN, .why = "out of memory"};
    for (struct known *known = secure->known; known != NULL; known = known->next)
        if (known->zone.cut == cut)
            return &known->zone;
    struct known *known = arena_take(walk_arena(secure->walk), 1, sizeof *known);
    ldns_rr_list *anchors = anchors_of(secure, cut);
    if (known == NULL || anchors == NULL) {
        ldns_rr_list_free(anchors);
        return &no_memory;
    }
    *known = (struct known){.zone = {.cut = cut, .state = SECURE_PLAIN, .at = cut}};
    if (ldns_rr_list_rr_count(anchors) > 0) {
        take_keys(secure, &known->zone, anchors);
    } else if (cut->parent != NULL) {
        const struct secure_zone *parent = secure_zone(secure, cut->parent);
        if (parent->state == SECURE_SIGNED)
            take_delegation(secure, &known->zone, parent);
        else
            set(&known->zone, parent->state, parent->at, parent->why);
    }
    ldns_rr_list_free(anchors);
    known->next = secure->known;
    secure->known = known;
    return &known->zone;
}

const char *secure_reply(struct secure *secure, const struct cut *cut, struct cut_question question,
                         const struct reply *reply)
{
    const struct secure_zone *zone = secure_zone(secure, cut);
    if (zone->state != SECURE_SIGNED)
        return zone->state == SECURE_PLAIN ? NULL : zone->why;
    struct cut_question alias = {question.name, LDNS_RR_TYPE_CNAME};
    if (walk_records(secure->walk, reply, question) != NULL)
        return verify_section(secure, zone, question, ldns_pkt_answer(reply->packet));
    if (walk_records(secure->walk, reply, alias) != NULL)
        return verify_section(secure, zone, alias, ldns_pkt_answer(reply->packet));
    return verify_denial(secure, zone, question, reply->packet);
}

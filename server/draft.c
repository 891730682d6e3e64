// SPDX-License-Identifier: MIT
// ldns reads the text; what it found is taken over field by field. Every field of an ldns record is kept in wire form
// already, so only names need a second look: they are cut at the zone's apex where RFC 3597 4 allows compression.
#include "draft.h"

#include "wire.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>

enum { DEFAULT_TTL_S = 3600, POINTER_BYTES = 2 };

struct parsed {
    ldns_rr *rr;
    uint8_t owner[NAME_MAX_BYTES];
    size_t n_owner;
};

// What we do with the types that need more than copying.
static const struct treatment {
    uint16_t type;
    bool is_compressible; // RFC 3597 4: names in these may be pointers
    int target_field;     // whose addresses or data come along; -1: none
} treatments[] = {
    {TYPE_NS, true, 0},   {TYPE_CNAME, true, 0}, {TYPE_SOA, true, -1},
    {TYPE_PTR, true, -1}, {TYPE_MX, true, 1},    {TYPE_SRV, false, 3},
};

static const struct treatment *find_treatment(uint16_t type)
{
    static const struct treatment plain = {0, false, -1};
    for (size_t i = 0; i < sizeof treatments / sizeof treatments[0]; i++)
        if (treatments[i].type == type)
            return &treatments[i];
    return &plain;
}

// Why a record is not for us to serve; a null pointer when it is.
static const char *refuse_record(const ldns_rr *rr)
{
    uint16_t type = (uint16_t)ldns_rr_get_type(rr);
    if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
        return "the class is not IN";
    if (ldns_rr_ttl(rr) > INT32_MAX)
        return "the TTL is larger than 2147483647 (RFC 2181 8)";
    switch (type) {
    case TYPE_DNAME:
        return "DNAME is not served";
    case LDNS_RR_TYPE_RRSIG:
    case LDNS_RR_TYPE_NSEC:
    case LDNS_RR_TYPE_NSEC3:
    case LDNS_RR_TYPE_NSEC3PARAM:
        return "signatures cannot be given as static records";
    default:
        return type == TYPE_OPT || (type >= TYPE_TKEY && type <= TYPE_ANY) ? "the type is not for zones" : NULL;
    }
}

enum err draft_parse(struct parsed **parsed, const char *text, const char **reason)
{
    ldns_rr *rr;
    ldns_status status = ldns_rr_new_frm_str(&rr, text, DEFAULT_TTL_S, NULL, NULL);
    if (status != LDNS_STATUS_OK) {
        *reason = ldns_get_errorstr_by_id(status);
        return status == LDNS_STATUS_MEM_ERR ? ERR_MEMORY : ERR_SYNTAX;
    }
    *reason = refuse_record(rr);
    if (*reason != NULL) {
        ldns_rr_free(rr);
        return ERR_SYNTAX;
    }
    struct parsed *self = calloc(1, sizeof *self);
    if (self == NULL) {
        ldns_rr_free(rr);
        return ERR_MEMORY;
    }
    self->rr = rr;
    self->n_owner = ldns_rdf_size(ldns_rr_owner(rr));
    for (size_t i = 0; i < self->n_owner; i++)
        self->owner[i] = name_fold(ldns_rdf_data(ldns_rr_owner(rr))[i]);
    *parsed = self;
    return ERR_OK;
}

void draft_parsed_free(struct parsed *parsed)
{
    if (parsed == NULL)
        return;
    ldns_rr_free(parsed->rr);
    free(parsed);
}

struct bytes draft_owner(const struct parsed *parsed)
{
    return (struct bytes){parsed->owner, parsed->n_owner};
}

static bool is_under(struct bytes name, struct bytes apex)
{
    if (name.n < apex.n)
        return false;
    size_t at = 0; // only where a label begins may the apex begin
    while (at < name.n - apex.n)
        at += 1u + name.at[at];
    if (at != name.n - apex.n)
        return false;
    for (size_t i = 0; i < apex.n; i++)
        if (name_fold(name.at[at + i]) != apex.at[i])
            return false;
    return true;
}

static struct bytes take_folded(struct arena *arena, struct bytes name)
{
    uint8_t *copy = arena_take(arena, name.n + 1, 1); // never a null pointer for an empty name
    for (size_t i = 0; copy != NULL && i < name.n; i++)
        copy[i] = name_fold(name.at[i]);
    return (struct bytes){copy, name.n};
}

// One field as it will stand in an answer: as it is, or a name of the zone cut off at the apex.
static void put_field(struct writer *w, struct draft *draft, struct bytes field, struct bytes cut_at)
{
    if (cut_at.n == 0 || !is_under(field, cut_at)) {
        put_bytes(w, field.at, field.n);
        return;
    }
    put_bytes(w, field.at, field.n - cut_at.n);
    uint16_t *marks = (uint16_t *)(uintptr_t)draft->marks; // ours to fill while the draft is written
    marks[draft->n_marks++] = (uint16_t)writer_used(w);
    put_u16(w, 0);
}

enum err draft_write(struct draft *draft, const struct parsed *parsed, struct bytes apex, struct arena *arena)
{
    struct bytes owner = draft_owner(parsed);
    assert(is_under(owner, apex) && apex.n >= POINTER_BYTES);
    const ldns_rr *rr = parsed->rr;
    size_t n_fields = ldns_rr_rd_count(rr);
    size_t n_space = 2;
    for (size_t i = 0; i < n_fields; i++)
        n_space += ldns_rdf_size(ldns_rr_rdf(rr, i));
    uint8_t *space = arena_take(arena, n_space, 1);

    struct draft out = *draft;
    out.type = (uint16_t)ldns_rr_get_type(rr);
    out.ttl = ldns_rr_ttl(rr);
    out.prefix = take_folded(arena, (struct bytes){owner.at, owner.n - apex.n});
    out.marks = arena_take(arena, n_fields, sizeof *out.marks);
    if (space == NULL || out.prefix.at == NULL || (n_fields != 0 && out.marks == NULL))
        return ERR_MEMORY;

    const struct treatment *treatment = find_treatment(out.type);
    struct writer w = writer_of(space, n_space);
    put_u16(&w, 0);
    for (size_t i = 0; i < n_fields; i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        struct bytes field = {ldns_rdf_data(rdf), ldns_rdf_size(rdf)};
        bool is_name = ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME;
        put_field(&w, &out, field, is_name && treatment->is_compressible ? apex : (struct bytes){0});
        if ((int)i == treatment->target_field)
            out.target = take_folded(arena, field);
    }
    assert(!w.is_bad && writer_used(&w) - 2 <= UINT16_MAX);
    out.rdata = (struct bytes){space, writer_used(&w)};
    space[0] = (uint8_t)((out.rdata.n - 2) >> 8);
    space[1] = (uint8_t)(out.rdata.n - 2);
    *draft = out;
    return ERR_OK;
}

enum err draft_parse_name(struct bytes *name, const char *text, struct arena *arena)
{
    ldns_rdf *rdf = ldns_dname_new_frm_str(text);
    if (rdf == NULL)
        return ERR_SYNTAX;
    struct bytes folded = take_folded(arena, (struct bytes){ldns_rdf_data(rdf), ldns_rdf_size(rdf)});
    ldns_rdf_deep_free(rdf);
    if (folded.at == NULL)
        return ERR_MEMORY;
    *name = folded;
    return ERR_OK;
}

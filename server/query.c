// SPDX-License-Identifier: MIT
// One pass from the first byte to the last, refusing early. The question's name is folded and its labels are noted
// while it is walked, so nothing looks at it a second time. Records behind the question are only skipped, but for the
// one OPT record; what is left over behind the last record makes the message malformed, as Knot has it.
#include "query.h"

enum { POINTER_BITS = 0xc0 };

// The question's name. A compression pointer has nothing to point at yet and is refused (RFC 9267 3).
static bool take_qname(struct reader *r, struct query *query)
{
    size_t n = 0;
    unsigned n_labels = 0;
    for (;;) {
        uint8_t length = take_u8(r);
        if (length > LABEL_MAX_BYTES || n + 1 + length > NAME_MAX_BYTES - (length != 0))
            return false;
        const uint8_t *from = take_bytes(r, length);
        if (r->is_bad)
            return false;
        query->label[n_labels] = (uint8_t)n;
        query->qname[n++] = length;
        if (length == 0)
            break;
        for (unsigned i = 0; i < length; i++)
            query->qname[n + i] = name_fold(from[i]);
        n += length;
        n_labels++;
    }
    query->n_labels = (uint8_t)n_labels;
    query->n_qname = (uint8_t)n;
    return true;
}

static bool take_question(struct reader *r, struct query *query)
{
    if (!take_qname(r, query))
        return false;
    query->qtype = take_u16(r);
    query->qclass = take_u16(r);
    query->has_question = !r->is_bad;
    return query->has_question;
}

// Skips an owner name, which may end in a pointer; true when it is the root alone.
static bool skip_name(struct reader *r)
{
    for (bool is_root = true;; is_root = false) {
        uint8_t length = take_u8(r);
        if (length == 0)
            return is_root && !r->is_bad;
        if (length >= POINTER_BITS) {
            take_u8(r);
            return false;
        }
        if (length > LABEL_MAX_BYTES)
            r->is_bad = true;
        take_bytes(r, length);
    }
}

// One record behind the question; takes an OPT record into `query`, with its version.
static bool take_record(struct reader *r, struct query *query, bool may_be_opt, uint8_t *version)
{
    bool is_root = skip_name(r);
    uint16_t type = take_u16(r);
    uint16_t class = take_u16(r);
    uint32_t ttl = take_u32(r);
    struct bytes rdata = {.n = take_u16(r)};
    rdata.at = take_bytes(r, rdata.n);
    if (r->is_bad)
        return false;
    if (type != TYPE_OPT)
        return true;
    if (!may_be_opt || !is_root || query->has_edns)
        return false;
    query->has_edns = true;
    query->udp_bytes = class < UDP_MIN_BYTES ? UDP_MIN_BYTES : class;
    query->is_do = (ttl & 0x8000) != 0;
    *version = (uint8_t)(ttl >> 16);
    return edns_take_options(&query->asked, rdata);
}

enum query_fate query_parse(struct query *query, struct bytes message)
{
    struct reader r = reader_of(message.at, message.n);
    take_u16(&r); // the id stays where it is
    uint16_t flags = take_u16(&r);
    unsigned n_questions = take_u16(&r);
    unsigned n_answers = take_u16(&r);
    unsigned n_authorities = take_u16(&r);
    unsigned n_additionals = take_u16(&r);
    if (r.is_bad || (flags & FLAG_QR) != 0)
        return QUERY_DROP;

    query->flags = flags;
    query->n_question = HEADER_BYTES;
    query->has_question = query->has_edns = query->is_do = false;
    query->udp_bytes = UDP_MIN_BYTES;
    query->asked.wants_nsid = false;
    query->asked.n_cookie = 0;
    if (n_questions == 1 && take_question(&r, query))
        query->n_question = (uint16_t)(r.at - message.at);
    if ((flags >> 11 & 15) != OPCODE_QUERY)
        return QUERY_NOTIMP;
    if (!query->has_question && n_questions != 0)
        return QUERY_FORMERR;

    uint8_t version = 0;
    unsigned n_before = n_answers + n_authorities;
    for (unsigned i = 0; i < n_before + n_additionals; i++)
        if (!take_record(&r, query, i >= n_before, &version))
            return QUERY_FORMERR;
    if (!reader_is_done(&r))
        return QUERY_FORMERR;
    if (!query->has_question && (query->asked.n_cookie == 0 || n_before != 0))
        return QUERY_FORMERR;
    if (version != 0)
        return QUERY_BADVERS;
    return query->has_question ? QUERY_ANSWER : QUERY_COOKIE;
}

// SPDX-License-Identifier: MIT
// Parse, look up, then encode: when the first byte is written, all rrsets are known. So truncation is one loop: an
// rrset goes in whole or not at all; the first that does not fit sets TC, unless it is mere additional data (RFC 2181
// 9, RFC 9471).
//
// The header and the question stay where they are, with the letter case the client chose. Owners are written as their
// labels and a pointer into the question, so no table of earlier names is needed. Room for the OPT record and
// its options is set aside at the start.
#include "answer.h"

#include "querylog.h"
#include "tally.h"

enum { POINTER = 0xc000, DO_BIT = 0x8000, COUNTS_AT = 4 };

// What an rrset needs to know about the message it goes into.
struct place {
    uint16_t class;
    uint16_t apex; // offset of the zone's apex in the question
    uint32_t serial;
};

static void set_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// A record whose rdata, with its length in front, is `rdata`; `marks` are those of the rrset that lie at or behind it.
static void put_record(struct writer *w, const struct found_rrset *found, const struct place *place, struct bytes rdata)
{
    put_bytes(w, found->prefix.at, found->prefix.n);
    put_u16(w, POINTER | (found->end == OWNER_IS_QNAME ? HEADER_BYTES : place->apex));
    put_u16(w, found->rrset->type);
    put_u16(w, place->class);
    put_u32(w, found->rrset->ttl);
    put_bytes(w, rdata.at, rdata.n);
}

// All records of an rrset, or none: false when they do not fit.
static bool put_rrset(struct writer *w, const struct found_rrset *found, const struct place *place)
{
    const struct rrset *rrset = found->rrset;
    struct reader all = reader_of(rrset->rdata.at, rrset->rdata.n);
    uint8_t *start = w->at;
    unsigned mark = 0;
    while (all.at != all.end && !all.is_bad && !w->is_bad) {
        const uint8_t *from = all.at;
        take_bytes(&all, take_u16(&all));
        struct bytes rdata = {from, (size_t)(all.at - from)};
        put_record(w, found, place, rdata);
        if (w->is_bad)
            break;
        uint8_t *copy = w->at - rdata.n;
        size_t skipped = (size_t)(from - rrset->rdata.at);
        for (; mark < rrset->n_marks && rrset->marks[mark] < skipped + rdata.n; mark++)
            set_u16(copy + (rrset->marks[mark] - skipped), POINTER | place->apex);
        if (rrset->type == TYPE_SOA) {
            set_u16(w->at - SOA_SERIAL_FROM_END, place->serial >> 16);
            set_u16(w->at - SOA_SERIAL_FROM_END + 2, place->serial & 0xffff);
        }
    }
    if (!w->is_bad && !all.is_bad)
        return true;
    w->at = start;
    w->is_bad = false;
    return false;
}

// All sections; sets their counts in the header. True when something that matters did not fit.
static bool put_sections(struct writer *w, const struct found *found, const struct place *place)
{
    const struct found_rrset *next = found->rrsets;
    bool is_cut = false;
    for (unsigned section = 0; section < N_SECTIONS; section++) {
        bool is_needed = section != SECTION_ADDITIONAL || found->is_referral;
        unsigned n_records = 0;
        for (unsigned i = 0; i < found->n[section]; i++, next++) {
            if (!is_cut && put_rrset(w, next, place))
                n_records += next->rrset->n_rrs;
            else
                is_cut |= is_needed;
        }
        set_u16(w->start + COUNTS_AT + 2 + 2 * section, n_records);
    }
    return is_cut;
}

// What goes into the OPT record.
struct opt {
    unsigned udp_bytes;
    unsigned rcode;
    bool is_do;
    const struct edns_options *options;
};

static void put_opt(struct writer *w, const struct opt *opt)
{
    put_u8(w, 0); // the root owns it
    put_u16(w, TYPE_OPT);
    put_u16(w, opt->udp_bytes);
    put_u16(w, opt->rcode >> 4 << 8);
    put_u16(w, opt->is_do ? DO_BIT : 0);
    put_u16(w, (unsigned)opt->options->n);
    put_bytes(w, opt->options->at, opt->options->n);
    unsigned n = (unsigned)(w->start[10] << 8 | w->start[11]);
    set_u16(w->start + 10, n + 1);
}

// How long the answer may be.
static size_t limit_of(const struct message *message, const struct query *query, const struct conf *conf)
{
    size_t limit = message->max_bytes;
    if (message->is_udp) {
        size_t ours = (size_t)conf->general_udp_max_bytes;
        limit = limit < ours ? limit : ours;
        limit = limit < query->udp_bytes ? limit : query->udp_bytes;
    }
    return limit;
}

static enum counter outcome_of(const struct found *found)
{
    switch (found->rcode) {
    case RCODE_FORMERR:
        return COUNT_formerr;
    case RCODE_SERVFAIL:
        return COUNT_servfail;
    case RCODE_NXDOMAIN:
        return COUNT_nxdomain;
    case RCODE_NOTIMP:
        return COUNT_notimp;
    case RCODE_REFUSED:
        return COUNT_refused;
    case RCODE_BADVERS:
        return COUNT_badvers;
    case RCODE_BADCOOKIE:
        return COUNT_badcookie;
    case RCODE_NOERROR:
        break;
    }
    if (found->is_referral)
        return COUNT_referral;
    return found->n[SECTION_ANSWER] != 0 ? COUNT_noerror : COUNT_nodata;
}

static void find(struct found *found, enum query_fate fate, const struct lookup *lookup, const struct query *query)
{
    static const enum rcode rcodes[] = {[QUERY_COOKIE] = RCODE_NOERROR,
                                        [QUERY_FORMERR] = RCODE_FORMERR,
                                        [QUERY_NOTIMP] = RCODE_NOTIMP,
                                        [QUERY_BADVERS] = RCODE_BADVERS};
    if (fate == QUERY_ANSWER) {
        lookup_find(found, lookup, query);
        return;
    }
    found->rcode = rcodes[fate];
    found->ede = EDE_NONE;
    found->is_authoritative = found->is_referral = false;
    found->zone = NULL;
    found->n[SECTION_ANSWER] = found->n[SECTION_AUTHORITY] = found->n[SECTION_ADDITIONAL] = 0;
}

// The serial every replica gives at the same revision of the store: never 0.
static uint32_t serial_of(const struct lookup *lookup)
{
    uint64_t revision = lookup->reader == NULL ? 0 : store_revision(lookup->reader);
    return (uint32_t)(revision % UINT32_MAX) + 1;
}

// Over the limit, but let through: an answer is cut to its question, an error is no longer than that.
static bool cut_to_question(struct found *found)
{
    found->n[SECTION_ANSWER] = found->n[SECTION_AUTHORITY] = found->n[SECTION_ADDITIONAL] = 0;
    return found->rcode == RCODE_NOERROR || found->rcode == RCODE_NXDOMAIN;
}

static void note(const struct lookup *lookup, const struct message *message, const struct query *query,
                 struct querylog_outcome outcome, struct counters *counters)
{
    if (lookup->tally != NULL && outcome.verdict != RRL_DROP)
        tally_answer(lookup->tally, message->is_udp, query->has_question ? query->qtype : 0, outcome.rcode);
    if (lookup->log != NULL)
        querylog_note(lookup->log, message, query, outcome, counters);
}

size_t answer_write(struct message *message, const struct lookup *lookup, struct counters *counters)
{
    struct query query;
    enum query_fate fate = query_parse(&query, (struct bytes){message->at, message->n});
    if (fate == QUERY_DROP) {
        count(counters, COUNT_dropped);
        return 0;
    }
    struct found found;
    find(&found, fate, lookup, &query);

    struct guarding guarding = guard_judge(lookup, message, &query, &found);
    if (guarding.verdict == RRL_DROP) {
        count(counters, COUNT_rrl_dropped);
        note(lookup, message, &query, (struct querylog_outcome){found.rcode, guarding.verdict}, counters);
        return 0;
    }
    size_t limit = limit_of(message, &query, lookup->conf);
    if (limit < query.n_question + OPT_BYTES + guarding.options.n)
        guarding.options.n = 0;
    size_t n_opt = query.has_edns ? OPT_BYTES + guarding.options.n : 0;
    if (limit < query.n_question + n_opt) // a buffer smaller than any message: nothing sensible can be said
        return 0;
    struct writer w = writer_of(message->at, limit - n_opt);
    w.at += query.n_question;
    struct place place = {.class = query.qclass};
    if (found.zone != NULL) {
        place.apex = (uint16_t)(HEADER_BYTES + query.n_qname - found.zone->apex.n);
        place.serial = serial_of(lookup);
    }
    bool is_slipped = guarding.verdict == RRL_SLIP;
    bool is_cut = is_slipped && cut_to_question(&found);
    is_cut |= put_sections(&w, &found, &place);
    w.end += n_opt;

    unsigned flags = FLAG_QR | (query.flags & (0x7800 | FLAG_RD)) | (found.rcode & 15u);
    flags |= (found.is_authoritative ? FLAG_AA : 0u) | (is_cut ? FLAG_TC : 0u);
    set_u16(w.start + 2, flags);
    set_u16(w.start + COUNTS_AT, query.has_question ? 1 : 0);
    if (query.has_edns)
        put_opt(&w, &(struct opt){(unsigned)lookup->conf->general_udp_max_bytes, found.rcode, query.is_do,
                                  &guarding.options});

    count(counters, is_slipped ? COUNT_rrl_slipped : outcome_of(&found));
    if (is_cut)
        count(counters, COUNT_truncated);
    note(lookup, message, &query, (struct querylog_outcome){found.rcode, guarding.verdict}, counters);
    return writer_used(&w);
}

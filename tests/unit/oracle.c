// SPDX-License-Identifier: MIT
// The answer is read twice by ldns: record by record, to see that each is whole, where each ends and how its names are
// written, and as a packet, to see that the sections and EDNS make sense together. Of the product only the config is
// used.
#include "oracle.h"

#include "expect.h"

#include <ctype.h>
#include <stdlib.h>

enum { HEADER = 12, SECTIONS = 4, UDP_LEAST = 512, POINTER = 0xc0, BADVERS = 16, BADCOOKIE = 23 };

static unsigned u16_at(struct bytes bytes, size_t at)
{
    return (unsigned)(bytes.at[at] << 8 | bytes.at[at + 1]);
}

static void fail_with(const struct exchange *exchange, const char *what)
{
    print_error("query:");
    for (size_t i = 0; i < exchange->query.n; i++)
        print_error(" %02x", exchange->query.at[i]);
    print_error("\nanswer:");
    for (size_t i = 0; i < exchange->answer.n; i++)
        print_error(" %02x", exchange->answer.at[i]);
    print_error("\n");
    fail_msg("%s", what);
}

static void require(const struct exchange *exchange, bool is_so, const char *what)
{
    if (!is_so)
        fail_with(exchange, what);
}

static void check_header(const struct exchange *x)
{
    require(x, x->answer.n >= HEADER, "the answer is shorter than a header");
    unsigned asked = u16_at(x->query, 2), told = u16_at(x->answer, 2);
    require(x, u16_at(x->answer, 0) == u16_at(x->query, 0), "the id is not echoed");
    require(x, (told & 0x8000) != 0, "QR is not set");
    require(x, (told & 0x7900) == (asked & 0x7900), "opcode or RD is not echoed");
    require(x, (told & 0x00f0) == 0, "RA, Z, AD or CD is set");
}

// Where the name at `at` ends in the message; tells whether it ended in a pointer and where that points.
static size_t skip_name(const struct exchange *x, size_t at, size_t *target)
{
    *target = 0;
    while (x->answer.at[at] != 0) {
        if (x->answer.at[at] >= POINTER) {
            *target = u16_at(x->answer, at) & 0x3fff;
            return at + 2;
        }
        at += 1u + x->answer.at[at];
    }
    return at + 1;
}

static bool may_compress(ldns_rr_type type) // RFC 3597 4
{
    return type == LDNS_RR_TYPE_NS || type == LDNS_RR_TYPE_CNAME || type == LDNS_RR_TYPE_SOA ||
           type == LDNS_RR_TYPE_PTR || type == LDNS_RR_TYPE_MX;
}

// A record that ldns has read from `start` on.
static void check_record(const struct exchange *x, const ldns_rr *rr, size_t start)
{
    size_t target;
    size_t at = skip_name(x, start, &target);
    ldns_rr_type type = ldns_rr_get_type(rr);
    if (type == LDNS_RR_TYPE_OPT) {
        require(x, at == start + 1, "OPT is not the root's");
        return;
    }
    require(x, target >= HEADER && target < start, "an owner does not end in a pointer backwards");
    size_t n_told = u16_at(x->answer, at + 8), n_plain = 0;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
        n_plain += ldns_rdf_size(ldns_rr_rdf(rr, i));
    require(x, may_compress(type) ? n_told <= n_plain : n_told == n_plain, "rdata of the wrong length for its type");
}

static void check_records(const struct exchange *x)
{
    size_t at = HEADER;
    for (unsigned section = 0; section < SECTIONS; section++) {
        for (unsigned i = 0; i < u16_at(x->answer, 4 + 2 * section); i++) {
            ldns_rr *rr = NULL;
            size_t start = at;
            ldns_pkt_section kind = section == 0 ? LDNS_SECTION_QUESTION : LDNS_SECTION_ANSWER;
            ldns_status status = ldns_wire2rr(&rr, x->answer.at, x->answer.n, &at, kind);
            require(x, status == LDNS_STATUS_OK, "ldns refuses a record");
            if (section == 0)
                require(x, at <= x->query.n && memcmp(x->query.at + start, x->answer.at + start, at - start) == 0,
                        "the question is not echoed byte for byte");
            else
                check_record(x, rr, start);
            ldns_rr_free(rr);
        }
    }
    require(x, at == x->answer.n, "bytes are left over behind the last record");
}

static unsigned rcode_of(const ldns_pkt *pkt)
{
    return (unsigned)ldns_pkt_get_rcode(pkt) | (unsigned)ldns_pkt_edns_extended_rcode(pkt) << 4;
}

// The size the client can take, and whether EDNS comes back; a query that ldns cannot read says neither.
static void check_edns(const struct exchange *x, const ldns_pkt *pkt)
{
    ldns_pkt *asked = NULL;
    bool is_readable = ldns_wire2pkt(&asked, x->query.at, x->query.n) == LDNS_STATUS_OK;
    size_t ours = (size_t)x->conf->general_udp_max_bytes, limit = x->max_bytes;
    size_t client = ours;
    if (is_readable) {
        client = ldns_pkt_edns_udp_size(asked) > UDP_LEAST ? ldns_pkt_edns_udp_size(asked) : UDP_LEAST;
        unsigned rcode = rcode_of(pkt);
        bool is_looked_at = rcode != LDNS_RCODE_FORMERR && rcode != LDNS_RCODE_NOTIMPL;
        if (is_looked_at && u16_at(x->query, 10) == 1 && ldns_pkt_edns(asked)) {
            require(x, ldns_pkt_edns_udp_size(pkt) == ours, "EDNS does not say our size");
            require(x, ldns_pkt_edns_do(pkt) == ldns_pkt_edns_do(asked), "DO is not echoed");
            require(x, ldns_pkt_edns_version(pkt) == 0, "the EDNS version is not 0");
            require(x, ldns_pkt_edns_unassigned(pkt) == 0, "an unknown flag of EDNS is set");
        } else if (u16_at(x->query, 10) == 0) {
            require(x, !ldns_pkt_edns(pkt), "EDNS in the answer to a query without");
        }
        ldns_pkt_free(asked);
    }
    if (x->is_udp)
        limit = limit < ours ? limit : ours;
    if (x->is_udp)
        limit = limit < client ? limit : client;
    require(x, x->answer.n <= limit, "the answer is longer than it may be");
}

static bool is_in_our_zones(const struct exchange *x, const ldns_rdf *name)
{
    for (size_t i = 0; i < x->conf->general_domain.n; i++) {
        ldns_rdf *apex = ldns_dname_new_frm_str(x->conf->general_domain.at[i]);
        bool is_inside = ldns_dname_compare(name, apex) == 0 || ldns_dname_is_subdomain(name, apex);
        ldns_rdf_deep_free(apex);
        if (is_inside)
            return true;
    }
    return false;
}

// One SOA, whose TTL is what the config says (RFC 2308 3).
static void check_soa(const struct exchange *x, const ldns_rr_list *authority)
{
    require(x, ldns_rr_list_rr_count(authority) == 1, "a negative answer has not one record in authority");
    const ldns_rr *soa = ldns_rr_list_rr(authority, 0);
    require(x, ldns_rr_get_type(soa) == LDNS_RR_TYPE_SOA, "a negative answer has no SOA");
    require(x, ldns_rr_ttl(soa) == x->conf->general_negative_ttl, "the TTL of the SOA is not negative_ttl");
    require(x, ldns_rdf2native_int32(ldns_rr_rdf(soa, 6)) == ldns_rr_ttl(soa), "the SOA's TTL is not its minimum");
}

static void check_sense(const struct exchange *x, const ldns_pkt *pkt)
{
    unsigned rcode = rcode_of(pkt);
    const ldns_rr_list *answer = ldns_pkt_answer(pkt), *authority = ldns_pkt_authority(pkt);
    bool is_positive = rcode == LDNS_RCODE_NOERROR && ldns_rr_list_rr_count(answer) != 0;
    bool is_outcome = rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
    if (!is_outcome) {
        bool has_data = ldns_rr_list_rr_count(answer) != 0 || ldns_rr_list_rr_count(authority) != 0;
        require(x, rcode == LDNS_RCODE_SERVFAIL || !has_data, "a refusal carries data");
        require(x, rcode == LDNS_RCODE_SERVFAIL || !ldns_pkt_aa(pkt), "a refusal is authoritative");
    }
    if (u16_at(x->query, 4) == 0) { // nothing but a cookie was asked for
        size_t n_rrs = ldns_rr_list_rr_count(ldns_pkt_question(pkt)) + ldns_rr_list_rr_count(answer);
        require(x, n_rrs + ldns_rr_list_rr_count(authority) == 0, "an answer without a question");
        return;
    }
    if (is_outcome || rcode == LDNS_RCODE_REFUSED || rcode == LDNS_RCODE_SERVFAIL || rcode == BADVERS)
        require(x, ldns_rr_list_rr_count(ldns_pkt_question(pkt)) == 1, "the question is missing");
    if (is_outcome) {
        const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(pkt), 0);
        bool is_ours = is_in_our_zones(x, ldns_rr_owner(question));
        require(x, is_ours || ldns_rr_get_class(question) == LDNS_RR_CLASS_CH, "data of a zone that is not ours");
    }
    if (ldns_pkt_tc(pkt) || is_positive || !is_outcome)
        return;
    if (rcode == LDNS_RCODE_NOERROR && !ldns_pkt_aa(pkt)) {
        require(x, ldns_rr_list_rr_count(authority) != 0, "a referral without name servers");
        require(x, ldns_rr_get_type(ldns_rr_list_rr(authority, 0)) == LDNS_RR_TYPE_NS, "a referral to nobody");
        return;
    }
    require(x, ldns_pkt_aa(pkt), "a negative answer is not authoritative");
    check_soa(x, authority);
}

// No record twice; one TTL for an rrset (RFC 2181 5).
static void check_rrsets(const struct exchange *x, const ldns_rr_list *list)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
        for (size_t k = 0; k < i; k++) {
            const ldns_rr *a = ldns_rr_list_rr(list, i), *b = ldns_rr_list_rr(list, k);
            if (ldns_rr_get_type(a) != ldns_rr_get_type(b) ||
                ldns_dname_compare(ldns_rr_owner(a), ldns_rr_owner(b)) != 0)
                continue;
            require(x, ldns_rr_ttl(a) == ldns_rr_ttl(b), "an rrset with two TTLs");
            require(x, ldns_rr_compare(a, b) != 0, "a record stands there twice");
        }
}

ldns_pkt *oracle_read(const struct exchange *exchange)
{
    ldns_pkt *pkt = NULL;
    check_header(exchange);
    check_records(exchange);
    ldns_status status = ldns_wire2pkt(&pkt, exchange->answer.at, exchange->answer.n);
    require(exchange, status == LDNS_STATUS_OK, "ldns refuses the packet");
    check_edns(exchange, pkt);
    check_sense(exchange, pkt);
    check_rrsets(exchange, ldns_pkt_answer(pkt));
    check_rrsets(exchange, ldns_pkt_authority(pkt));
    check_rrsets(exchange, ldns_pkt_additional(pkt));
    return pkt;
}

char *oracle_head(const ldns_pkt *pkt)
{
    static const char *const names[] = {[LDNS_RCODE_NOERROR] = "NOERROR",
                                        [LDNS_RCODE_FORMERR] = "FORMERR",
                                        [LDNS_RCODE_SERVFAIL] = "SERVFAIL",
                                        [LDNS_RCODE_NXDOMAIN] = "NXDOMAIN",
                                        [LDNS_RCODE_NOTIMPL] = "NOTIMP",
                                        [LDNS_RCODE_REFUSED] = "REFUSED",
                                        [BADVERS] = "BADVERS",
                                        [BADCOOKIE] = "BADCOOKIE"};
    char *text = NULL;
    unsigned rcode = rcode_of(pkt);
    const char *name = rcode < N_OF(names) && names[rcode] != NULL ? names[rcode] : "another rcode";
    assert_true(asprintf(&text, "%s%s%s", name, ldns_pkt_aa(pkt) ? " aa" : "", ldns_pkt_tc(pkt) ? " tc" : "") > 0);
    return text;
}

static ldns_rr_list *section_of(const ldns_pkt *pkt, ldns_pkt_section section)
{
    return section == LDNS_SECTION_ANSWER      ? ldns_pkt_answer(pkt)
           : section == LDNS_SECTION_AUTHORITY ? ldns_pkt_authority(pkt)
                                               : ldns_pkt_additional(pkt);
}

static void write_record(FILE *out, const ldns_rr *rr)
{
    ldns_rr *copy = ldns_rr_clone(rr);
    if (ldns_rr_get_type(copy) == LDNS_RR_TYPE_SOA)
        ldns_rdf_deep_free(ldns_rr_set_rdf(copy, ldns_native2rdf_int32(LDNS_RDF_TYPE_INT32, 0), 2));
    char *text = ldns_rr2str(copy);
    size_t n = strcspn(text, "\n");
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++)
        fputc(text[i] == '\t' ? ' ' : text[i], out);
    fputc('\n', out);
    free(text);
    ldns_rr_free(copy);
}

char *oracle_lines(const ldns_pkt *pkt, ldns_pkt_section section)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    const ldns_rr_list *list = section_of(pkt, section);
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
        write_record(out, ldns_rr_list_rr(list, i));
    assert_int_equal(fclose(out), 0);
    return text;
}

uint32_t oracle_serial(const ldns_pkt *pkt, ldns_pkt_section section)
{
    const ldns_rr_list *list = section_of(pkt, section);
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
        if (ldns_rr_get_type(ldns_rr_list_rr(list, i)) == LDNS_RR_TYPE_SOA)
            return ldns_rdf2native_int32(ldns_rr_rdf(ldns_rr_list_rr(list, i), 2));
    fail_msg("there is no SOA");
    return 0;
}

// SPDX-License-Identifier: MIT
// How names are written: owners as their labels and a pointer into the question, names in rdata cut at the apex where
// RFC 3597 4 allows it. The oracle reads the names; here their bytes are counted.
#include "stage.h"

#include "expect.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIXED = 10, POINTER_SIZE = 2 }; // of a record behind its owner, with the rdata's length

#define SOA "auth.example.org. 60 IN SOA ns.auth.example.org. hostmaster.auth.example.org. 0 28800 7200 604800 60"

static const char CONFIG[] = "[general]\n"
                             "domain = \"auth.example.org\"\n"
                             "nsname = \"ns.auth.example.org\"\n"
                             "records = [\n"
                             "  'mx.auth.example.org. MX 5 mail.auth.example.org.',\n"
                             "  'mx.auth.example.org. MX 6 auth.example.org.',\n"
                             "  'mx.auth.example.org. MX 7 mail.example.com.',\n"
                             "  'mx.auth.example.org. MX 8 a.b.AUTH.example.ORG.',\n"
                             "  'mx.auth.example.org. MX 9 xauth.example.org.',\n"
                             "  'mx.auth.example.org. MX 10 auth.example.org.example.com.',\n"
                             "  'ptr.auth.example.org. PTR Host.auth.example.org.',\n"
                             "  'srv.auth.example.org. SRV 1 2 3 host.auth.example.org.',\n"
                             "  'srv.auth.example.org. SRV 1 2 4 auth.example.org.',\n"
                             "  'rp.auth.example.org. RP admin.auth.example.org. text.auth.example.org.',\n"
                             "  'afs.auth.example.org. AFSDB 1 host.auth.example.org.',\n"
                             "  'naptr.auth.example.org. NAPTR 1 1 \"u\" \"x\" \"\" host.auth.example.org.',\n"
                             "  'hex.auth.example.org. TYPE2 \\# 23 04686f737404617574680765 78616d706c65036f726700',\n"
                             "  'alias.auth.example.org. CNAME deep.host.auth.example.org.',\n"
                             "]\n";

static int open_stage(void **state)
{
    *state = stage_open(CONFIG);
    return 0;
}

static size_t n_question(const char *name)
{
    return HEADER_BYTES + strlen(name) + 2 + 4;
}

// Asks over TCP for what has `n_bytes` behind the question, and these lines as the answer.
struct measured {
    struct question ask;
    size_t n_bytes;
    const char *lines;
};

static void measure(struct stage *stage, const struct measured *measured)
{
    struct reply reply = stage_ask(stage, &measured->ask, STAGE_TCP);
    char *lines = oracle_lines(reply.pkt, LDNS_SECTION_ANSWER);
    assert_string_equal(lines, measured->lines);
    assert_int_equal(reply.n - n_question(measured->ask.name), measured->n_bytes);
    free(lines);
    reply_free(&reply);
}

static void names_of_the_zone_are_cut_and_others_are_not(void **state)
{
    static const struct measured mx = {
        QUESTION("mx.auth.example.org", MX),
        6 * (POINTER_SIZE + FIXED + 2) + (5 + 2) + 2 + 18 + (2 + 2 + 2) + 19 + 30,
        "mx.auth.example.org. 3600 IN MX 5 mail.auth.example.org.\n"
        "mx.auth.example.org. 3600 IN MX 6 auth.example.org.\n"
        "mx.auth.example.org. 3600 IN MX 7 mail.example.com.\n"
        "mx.auth.example.org. 3600 IN MX 8 a.b.auth.example.org.\n"
        "mx.auth.example.org. 3600 IN MX 9 xauth.example.org.\n"
        "mx.auth.example.org. 3600 IN MX 10 auth.example.org.example.com.\n",
    };
    measure(*state, &mx);
}

static void every_type_that_may_be_compressed_is(void **state)
{
    static const struct measured rows[] = {
        {QUESTION("ptr.auth.example.org", PTR), POINTER_SIZE + FIXED + 5 + 2,
         "ptr.auth.example.org. 3600 IN PTR Host.auth.example.org.\n"},
        {QUESTION("alias.auth.example.org", CNAME), POINTER_SIZE + FIXED + 5 + 5 + 2,
         "alias.auth.example.org. 3600 IN CNAME deep.host.auth.example.org.\n"},
        {QUESTION("auth.example.org", NS), POINTER_SIZE + FIXED + 3 + 2,
         "auth.example.org. 3600 IN NS ns.auth.example.org.\n"},
        {QUESTION("auth.example.org", SOA), POINTER_SIZE + FIXED + (3 + 2) + (11 + 2) + 20, SOA "\n"},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        measure(*state, &rows[i]);
}

static void types_that_must_not_be_compressed_are_whole(void **state)
{
    static const struct measured rows[] = {
        {QUESTION("srv.auth.example.org", SRV), 2 * (POINTER_SIZE + FIXED + 6) + 23 + 18,
         "srv.auth.example.org. 3600 IN SRV 1 2 3 host.auth.example.org.\n"
         "srv.auth.example.org. 3600 IN SRV 1 2 4 auth.example.org.\n"},
        {QUESTION("rp.auth.example.org", RP), POINTER_SIZE + FIXED + 24 + 23,
         "rp.auth.example.org. 3600 IN RP admin.auth.example.org. text.auth.example.org.\n"},
        {QUESTION("afs.auth.example.org", AFSDB), POINTER_SIZE + FIXED + 2 + 23,
         "afs.auth.example.org. 3600 IN AFSDB 1 host.auth.example.org.\n"},
        {QUESTION("naptr.auth.example.org", NAPTR), POINTER_SIZE + FIXED + 4 + 2 + 2 + 1 + 23,
         "naptr.auth.example.org. 3600 IN NAPTR 1 1 \"u\" \"x\" \"\" host.auth.example.org.\n"},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        measure(*state, &rows[i]);
}

static void rdata_given_in_hexadecimal_is_read_like_any_other(void **state)
{
    struct reply reply = stage_ask(*state, &(struct question)QUESTION("hex.auth.example.org", NS), STAGE_UDP);
    char *lines = oracle_lines(reply.pkt, LDNS_SECTION_AUTHORITY);
    assert_string_equal(lines, "hex.auth.example.org. 3600 IN NS host.auth.example.org.\n");
    assert_int_equal(reply.n - n_question("hex.auth.example.org"), 4 + POINTER_SIZE + FIXED + 5 + 2);
    free(lines);
    reply_free(&reply);
}

// Wherever the question has it: 120 labels down, and with the apex last in its 255 bytes.
static void pointers_follow_the_apex_through_questions_of_any_length(void **state)
{
    char name[512] = "auth.example.org";
    for (unsigned n = 0; n < 118; n++) {
        char longer[512];
        snprintf(longer, sizeof longer, "%c.%.300s", 'a' + (int)(n % 26), name);
        strcpy(name, longer);
        const struct row row = ROW_NXDOMAIN(name, TXT, SOA);
        stage_check(*state, &row, 1);
        struct reply reply = stage_ask(*state, &(struct question){.name = name, .type = LDNS_RR_TYPE_TXT}, STAGE_UDP);
        assert_int_equal(reply.n, n_question(name) + POINTER_SIZE + FIXED + (3 + 2) + (11 + 2) + 20);
        assert_int_equal(reply.at[n_question(name)] << 8 | reply.at[n_question(name) + 1],
                         0xc000 | (n_question(name) - 4 - sizeof ".auth.example.org"));
        reply_free(&reply);
    }
}

// The letters of the apex are the question's, everywhere; the labels in front of it are the config's.
static void the_question_lends_its_letters_to_all_names_of_the_zone(void **state)
{
    struct reply reply = stage_ask(*state, &(struct question)QUESTION("MX.aUTH.eXAMPLE.oRG", MX), STAGE_UDP);
    char *lines = oracle_lines(reply.pkt, LDNS_SECTION_ANSWER);
    assert_non_null(strstr(lines, "MX.aUTH.eXAMPLE.oRG. 3600 IN MX 5 mail.aUTH.eXAMPLE.oRG.\n"));
    assert_non_null(strstr(lines, "MX 9 xauth.example.org.\n"));
    free(lines);
    reply_free(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_zone_are_cut_and_others_are_not),
        cmocka_unit_test(every_type_that_may_be_compressed_is),
        cmocka_unit_test(types_that_must_not_be_compressed_are_whole),
        cmocka_unit_test(rdata_given_in_hexadecimal_is_read_like_any_other),
        cmocka_unit_test(pointers_follow_the_apex_through_questions_of_any_length),
        cmocka_unit_test(the_question_lends_its_letters_to_all_names_of_the_zone),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

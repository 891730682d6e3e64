// SPDX-License-Identifier: MIT
// What a CA's resolver asks of a zone with challenges: accounts, what lies beside and below them, the apex, static
// records.
#include "stage.h"

#include "expect.h"
#include "writing.h"

#define ZONE   "auth.example.org"
#define SOA    ZONE ". 60 IN SOA ns1." ZONE ". hostmaster." ZONE ". 0 28800 7200 604800 60"
#define TWO    "d420c923-bbd7-4056-ab64-c3ca54c9b3cf"
#define ONE    "8e5700ea-a4bf-41c7-8a77-e990661dcc6a"
#define NONE   "c36f50e8-4632-44f0-83fe-e070fef28a10"
#define VALUE1 "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
#define VALUE2 "rWUU2mDsNVLgRLVN1pIYTxUULUy8ZqlHbGxrmq4Zn3E"

static const char CONFIG[] = "[general]\n"
                             "domain = \"" ZONE "\"\n"
                             "nsname = \"ns1." ZONE "\"\n"
                             "records = [\n"
                             "  \"" ZONE ". A 192.0.2.1\",\n"
                             "  \"" ZONE ". 300 NS ns1." ZONE ".\",\n"
                             "  \"" ZONE ". 300 NS ns2.example.net.\",\n"
                             "  \"" ZONE ". CAA 0 issue \\\"ca.example\\\"\",\n"
                             "  \"ns1." ZONE ". A 192.0.2.53\",\n"
                             "  \"ns1." ZONE ". AAAA 2001:db8::53\",\n"
                             "  \"deep.in.here." ZONE ". TXT \\\"found\\\"\",\n"
                             "]\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, TWO, (const char *const[]){VALUE1, VALUE2, NULL});
    stage_register(stage, ONE, (const char *const[]){VALUE1, NULL});
    stage_register(stage, NONE, (const char *const[]){NULL});
    *state = stage;
    return 0;
}

static void values_are_answered_the_oldest_first_with_ttl_0(void **state)
{
    static const struct row rows[] = {
        ROW_DATA(TWO "." ZONE, TXT,
                 TWO "." ZONE ". 0 IN TXT \"" VALUE1 "\"\n" TWO "." ZONE ". 0 IN TXT \"" VALUE2 "\""),
        ROW_DATA(ONE "." ZONE, TXT, ONE "." ZONE ". 0 IN TXT \"" VALUE1 "\""),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void the_owner_of_a_value_is_a_pointer_to_the_question(void **state)
{
    struct reply reply = stage_ask(*state, &(struct question)QUESTION(ONE "." ZONE, TXT), STAGE_UDP);
    size_t n_question = HEADER_BYTES + sizeof "." ONE "." ZONE + 4;
    assert_int_equal(reply.n, n_question + 2 + 10 + 1 + strlen(VALUE1));
    assert_int_equal(reply.at[n_question], 0xc0);
    assert_int_equal(reply.at[n_question + 1], HEADER_BYTES);
    reply_free(&reply);
}

static void another_type_at_a_registered_name_is_nodata(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA(TWO "." ZONE, A, SOA),
        ROW_NODATA(TWO "." ZONE, NS, SOA),
        ROW_NODATA(TWO "." ZONE, CNAME, SOA),
        ROW_NODATA(TWO "." ZONE, SOA, SOA),
        ROW_NODATA(TWO "." ZONE, MX, SOA),
        ROW_NODATA(TWO "." ZONE, AAAA, SOA),
        ROW_NODATA(TWO "." ZONE, SRV, SOA),
        ROW_NODATA(TWO "." ZONE, DS, SOA),
        ROW_NODATA(TWO "." ZONE, CAA, SOA),
        ROW_NODATA(TWO "." ZONE, DNSKEY, SOA),
        ROW_NODATA(TWO "." ZONE, RRSIG, SOA),
        ROW_NODATA(TWO "." ZONE, HTTPS, SOA),
        {.ask = {.name = TWO "." ZONE, .type = 65280}, .head = "NOERROR aa", .authority = SOA},
        {.ask = {.name = TWO "." ZONE, .type = 0}, .head = "NOERROR aa", .authority = SOA},
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_registered_name_without_values_is_nodata(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA(NONE "." ZONE, TXT, SOA),
        ROW_NODATA(NONE "." ZONE, CNAME, SOA),
        ROW_NODATA(NONE "." ZONE, SOA, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_name_that_does_not_exist_is_nxdomain_for_every_type(void **state)
{
    static const struct row rows[] = {
        ROW_NXDOMAIN("nobody." ZONE, TXT, SOA),
        ROW_NXDOMAIN("nobody." ZONE, A, SOA),
        ROW_NXDOMAIN("nobody." ZONE, ANY, SOA),
        ROW_NXDOMAIN("a.b.c.nobody." ZONE, TXT, SOA),
        ROW_NXDOMAIN("x." ZONE, DS, SOA),
        ROW_NXDOMAIN("d420c923-bbd7-4056-ab64-c3ca54c9b3c." ZONE, TXT, SOA),
        ROW_NXDOMAIN("d420c923-bbd7-4056-ab64-c3ca54c9b3cff." ZONE, TXT, SOA),
        ROW_NXDOMAIN("\\000." ZONE, TXT, SOA),
        ROW_NXDOMAIN("\\255\\.\\046\\\\." ZONE, TXT, SOA),
        ROW_NXDOMAIN("012345678901234567890123456789012345678901234567890123456789012." ZONE, TXT, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void names_below_a_registered_name_never_get_a_neighbours_values(void **state)
{
    static const struct row rows[] = {
        ROW_NXDOMAIN("x." TWO "." ZONE, TXT, SOA),    ROW_NXDOMAIN("_acme-challenge." TWO "." ZONE, TXT, SOA),
        ROW_NXDOMAIN(ONE "." TWO "." ZONE, TXT, SOA), ROW_NXDOMAIN(TWO "." NONE "." ZONE, TXT, SOA),
        ROW_NXDOMAIN(TWO "." TWO "." ZONE, TXT, SOA), ROW_NXDOMAIN(TWO ".nobody." ZONE, TXT, SOA),
        ROW_NXDOMAIN(TWO ".ns1." ZONE, TXT, SOA),     ROW_NXDOMAIN(TWO ".here." ZONE, TXT, SOA),
        ROW_NXDOMAIN("*." TWO "." ZONE, TXT, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_registered_name_means_nothing_outside_our_zones(void **state)
{
    static const struct row rows[] = {
        ROW_REFUSED(TWO ".example.org", TXT),
        ROW_REFUSED(TWO, TXT),
        ROW_REFUSED(TWO "." ZONE ".example.com", TXT),
        ROW_REFUSED(TWO ".x" ZONE, TXT),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void outside_our_zones_is_refused_with_nothing_but_the_question(void **state)
{
    static const struct row rows[] = {
        ROW_REFUSED("example.com", A),
        ROW_REFUSED("example.org", SOA),
        ROW_REFUSED("org", NS),
        ROW_REFUSED(".", NS),
        ROW_REFUSED(".", ANY),
        ROW_REFUSED("uth.example.org", A),
        ROW_REFUSED("xauth.example.org", A),
        ROW_REFUSED("auth.example.org.x", A),
        ROW_REFUSED("auth\\.example.org", A),
    };
    stage_check(*state, rows, N_OF(rows));
    struct reply reply = stage_ask(*state, &(struct question)QUESTION("example.com", A), STAGE_UDP);
    assert_int_equal(reply.n, HEADER_BYTES + sizeof ".example.com" + 4);
    reply_free(&reply);
}

static void the_apex_has_its_records_and_nodata_for_other_types(void **state)
{
    static const struct row rows[] = {
        ROW_DATA(ZONE, SOA, SOA),
        ROW_DATA(ZONE, A, ZONE ". 3600 IN A 192.0.2.1"),
        ROW_DATA(ZONE, CAA, ZONE ". 3600 IN CAA 0 issue \"ca.example\""),
        {.ask = QUESTION(ZONE, NS),
         .head = "NOERROR aa",
         .answer = ZONE ". 300 IN NS ns1." ZONE ".\n" ZONE ". 300 IN NS ns2.example.net.",
         .additional = "ns1." ZONE ". 3600 IN A 192.0.2.53\nns1." ZONE ". 3600 IN AAAA 2001:db8::53"},
        ROW_NODATA(ZONE, TXT, SOA),
        ROW_NODATA(ZONE, AAAA, SOA),
        ROW_NODATA(ZONE, DS, SOA),
        ROW_NODATA(ZONE, DNSKEY, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void static_records_and_empty_non_terminals_exist(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("ns1." ZONE, A, "ns1." ZONE ". 3600 IN A 192.0.2.53"),
        ROW_NODATA("ns1." ZONE, TXT, SOA),
        ROW_DATA("deep.in.here." ZONE, TXT, "deep.in.here." ZONE ". 3600 IN TXT \"found\""),
        ROW_NODATA("in.here." ZONE, TXT, SOA),
        ROW_NODATA("here." ZONE, A, SOA),
        ROW_NXDOMAIN("in." ZONE, A, SOA),
        ROW_NXDOMAIN("x.here." ZONE, A, SOA),
        ROW_NXDOMAIN("x.deep.in.here." ZONE, A, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void the_own_challenge_is_nodata_while_there_is_none(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("_acme-challenge." ZONE, TXT, SOA),     ROW_NODATA("_acme-challenge." ZONE, A, SOA),
        ROW_NXDOMAIN("x._acme-challenge." ZONE, TXT, SOA), ROW_NXDOMAIN("_acme-challengf." ZONE, TXT, SOA),
        ROW_NXDOMAIN("_acme-challeng." ZONE, TXT, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void the_own_challenge_is_answered_once_it_is_stored(void **state)
{
    stage_register(*state, "_acme-challenge", (const char *const[]){VALUE2, NULL});
    static const struct row row =
        ROW_DATA("_acme-challenge." ZONE, TXT, "_acme-challenge." ZONE ". 0 IN TXT \"" VALUE2 "\"");
    stage_check(*state, &row, 1);
}

static void a_new_value_is_in_the_next_answer(void **state)
{
    struct stage *stage = *state;
    expect_ok(writing_update(stage->store, NONE, VALUE1));
    static const struct row row = ROW_DATA(NONE "." ZONE, TXT, NONE "." ZONE ". 0 IN TXT \"" VALUE1 "\"");
    stage_check(stage, &row, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_answered_the_oldest_first_with_ttl_0),
        cmocka_unit_test(the_owner_of_a_value_is_a_pointer_to_the_question),
        cmocka_unit_test(another_type_at_a_registered_name_is_nodata),
        cmocka_unit_test(a_registered_name_without_values_is_nodata),
        cmocka_unit_test(a_name_that_does_not_exist_is_nxdomain_for_every_type),
        cmocka_unit_test(names_below_a_registered_name_never_get_a_neighbours_values),
        cmocka_unit_test(a_registered_name_means_nothing_outside_our_zones),
        cmocka_unit_test(outside_our_zones_is_refused_with_nothing_but_the_question),
        cmocka_unit_test(the_apex_has_its_records_and_nodata_for_other_types),
        cmocka_unit_test(static_records_and_empty_non_terminals_exist),
        cmocka_unit_test(the_own_challenge_is_nodata_while_there_is_none),
        cmocka_unit_test(the_own_challenge_is_answered_once_it_is_stored),
        cmocka_unit_test(a_new_value_is_in_the_next_answer),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

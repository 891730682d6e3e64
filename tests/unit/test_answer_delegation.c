// SPDX-License-Identifier: MIT
// Names below the apex that have NS records belong to somebody else: referrals, glue, and DS, which stays ours.
#include "stage.h"

#include "expect.h"

#define SOA      "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 0 28800 7200 604800 60"
#define SUB_NS   "sub.example.org. 600 IN NS ns1.sub.example.org.\nsub.example.org. 600 IN NS ns2.example.net."
#define SUB_GLUE "ns1.sub.example.org. 3600 IN A 192.0.2.11\nns1.sub.example.org. 3600 IN AAAA 2001:db8::11"
#define TO_SUB(name_, type_)                                                                                           \
    {                                                                                                                  \
        .ask = {.name = name_, .type = LDNS_RR_TYPE_##type_}, .head = "NOERROR", .authority = SUB_NS,                  \
        .additional = SUB_GLUE                                                                                         \
    }

static const char CONFIG[] = "[general]\n"
                             "domain = \"example.org\"\n"
                             "nsname = \"ns.example.org\"\n"
                             "records = [\n"
                             "  'sub.example.org. 600 NS ns1.sub.example.org.',\n"
                             "  'sub.example.org. 600 NS ns2.example.net.',\n"
                             "  'ns1.sub.example.org. A 192.0.2.11',\n"
                             "  'ns1.sub.example.org. AAAA 2001:db8::11',\n"
                             "  'www.sub.example.org. A 192.0.2.12',\n"
                             "  'sub.example.org. TXT \"hidden by the cut\"',\n"
                             "  '*.sub.example.org. TXT \"hidden as well\"',\n"
                             "  'signed.example.org. NS ns.example.net.',\n"
                             "  'signed.example.org. 300 DS 12345 13 2 "
                             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',\n"
                             "  'low.under.example.org. NS ns1.sub.example.org.',\n"
                             "  'deeper.sub.example.org. NS ns.example.com.',\n"
                             "  'mail.example.org. MX 10 ns1.sub.example.org.',\n"
                             "]\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, "ns1", (const char *const[]){"value", NULL});
    *state = stage;
    return 0;
}

static void the_cut_and_all_below_it_is_a_referral_with_glue_and_without_aa(void **state)
{
    static const struct row rows[] = {
        TO_SUB("sub.example.org", A),       TO_SUB("sub.example.org", NS),          TO_SUB("sub.example.org", TXT),
        TO_SUB("sub.example.org", SOA),     TO_SUB("sub.example.org", ANY),         TO_SUB("www.sub.example.org", A),
        TO_SUB("ns1.sub.example.org", A),   TO_SUB("ns1.sub.example.org", TXT),     TO_SUB("x.sub.example.org", TXT),
        TO_SUB("a.b.c.sub.example.org", A), TO_SUB("deeper.sub.example.org", NS),   TO_SUB("x.sub.example.org", DS),
        TO_SUB("*.sub.example.org", TXT),   TO_SUB("x.deeper.sub.example.org", DS),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void glue_may_lie_below_another_cut(void **state)
{
    static const struct row row = {.ask = QUESTION("www.low.under.example.org", A),
                                   .head = "NOERROR",
                                   .authority = "low.under.example.org. 3600 IN NS ns1.sub.example.org.",
                                   .additional = SUB_GLUE};
    stage_check(*state, &row, 1);
}

static void ds_at_the_cut_is_ours_to_answer(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("sub.example.org", DS, SOA),
        ROW_DATA("signed.example.org", DS,
                 "signed.example.org. 300 IN DS 12345 13 2 "
                 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        {.ask = QUESTION("signed.example.org", A),
         .head = "NOERROR",
         .authority = "signed.example.org. 3600 IN NS ns.example.net."},
    };
    stage_check(*state, rows, N_OF(rows));
}

static void above_the_cut_we_are_authoritative(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("under.example.org", A, SOA),
        ROW_NODATA("under.example.org", NS, SOA),
        ROW_NXDOMAIN("x.under.example.org", A, SOA),
        ROW_NXDOMAIN("xsub.example.org", A, SOA),
        {.ask = QUESTION("mail.example.org", MX),
         .head = "NOERROR aa",
         .answer = "mail.example.org. 3600 IN MX 10 ns1.sub.example.org.",
         .additional = SUB_GLUE},
    };
    stage_check(*state, rows, N_OF(rows));
}

static void an_account_with_the_label_of_a_name_below_the_cut_is_not_mistaken_for_it(void **state)
{
    static const struct row rows[] = {
        TO_SUB("ns1.sub.example.org", TXT),
        ROW_DATA("ns1.example.org", TXT, "ns1.example.org. 0 IN TXT \"value\""),
    };
    stage_check(*state, rows, N_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cut_and_all_below_it_is_a_referral_with_glue_and_without_aa),
        cmocka_unit_test(glue_may_lie_below_another_cut),
        cmocka_unit_test(ds_at_the_cut_is_ours_to_answer),
        cmocka_unit_test(above_the_cut_we_are_authoritative),
        cmocka_unit_test(an_account_with_the_label_of_a_name_below_the_cut_is_not_mistaken_for_it),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

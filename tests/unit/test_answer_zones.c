// SPDX-License-Identifier: MIT
// Several zones, nested ones among them, and the options that shape answers.
#include "stage.h"

#include "expect.h"

#define SOA_OF(zone_) zone_ ". 60 IN SOA ns.example.net. hostmaster.example.org. 0 28800 7200 604800 60"
#define ORG           SOA_OF("example.org")
#define AUTH          SOA_OF("auth.example.org")
#define LAB           SOA_OF("x.lab.auth.example.org")
#define NET           SOA_OF("acme.example.net")

static const char CONFIG[] =
    "[general]\n"
    "domain = [\"example.org\", \"auth.example.org\", \"acme.example.net\", \"x.lab.auth.example.org\"]\n"
    "nsname = \"ns.example.net\"\n"
    "records = [\n"
    "  'example.org. A 192.0.2.1',\n"
    "  'auth.example.org. A 192.0.2.2',\n"
    "  'www.auth.example.org. A 192.0.2.3',\n"
    "  'x.lab.auth.example.org. A 192.0.2.4',\n"
    "  'into.example.org. CNAME www.auth.example.org.',\n"
    "  'values.example.org. CNAME full.auth.example.org.',\n"
    "  'out.auth.example.org. CNAME full.example.org.',\n"
    "  'across.example.org. CNAME full.acme.example.net.',\n"
    "  'mail.example.org. MX 10 www.auth.example.org.',\n"
    "  '*.example.org. TXT \"star\"',\n"
    "]\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, "full", (const char *const[]){"a", NULL});
    *state = stage;
    return 0;
}

static void the_deepest_zone_answers(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("example.org", A, "example.org. 3600 IN A 192.0.2.1"),
        ROW_DATA("auth.example.org", A, "auth.example.org. 3600 IN A 192.0.2.2"),
        ROW_DATA("www.auth.example.org", A, "www.auth.example.org. 3600 IN A 192.0.2.3"),
        ROW_DATA("x.lab.auth.example.org", A, "x.lab.auth.example.org. 3600 IN A 192.0.2.4"),
        ROW_DATA("auth.example.org", NS, "auth.example.org. 3600 IN NS ns.example.net."),
        ROW_DATA("example.org", SOA, ORG),
        ROW_DATA("auth.example.org", SOA, AUTH),
        ROW_DATA("x.lab.auth.example.org", SOA, LAB),
        ROW_DATA("acme.example.net", SOA, NET),
        ROW_NXDOMAIN("missing.auth.example.org", A, AUTH),
        ROW_NXDOMAIN("x.x.lab.auth.example.org", A, LAB),
        ROW_NXDOMAIN("missing.acme.example.net", A, NET),
        ROW_DATA("missing.example.org", TXT, "missing.example.org. 3600 IN TXT \"star\""),
        ROW_REFUSED("example.net", SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void an_account_has_a_name_in_each_zone(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("full.example.org", TXT, "full.example.org. 0 IN TXT \"a\""),
        ROW_DATA("full.auth.example.org", TXT, "full.auth.example.org. 0 IN TXT \"a\""),
        ROW_DATA("full.acme.example.net", TXT, "full.acme.example.net. 0 IN TXT \"a\""),
        ROW_DATA("full.x.lab.auth.example.org", TXT, "full.x.lab.auth.example.org. 0 IN TXT \"a\""),
        ROW_NXDOMAIN("full.lab.auth.example.org", TXT, AUTH),
        ROW_REFUSED("full.example.net", TXT),
        ROW_NODATA("_acme-challenge.example.org", TXT, ORG),
        ROW_NODATA("_acme-challenge.auth.example.org", TXT, AUTH),
        ROW_NODATA("_acme-challenge.acme.example.net", TXT, NET),
        ROW_NXDOMAIN("_acme-challenge.lab.auth.example.org", TXT, AUTH),
    };
    stage_check(*state, rows, N_OF(rows));
}

// The target is not this zone's: whoever asks goes on with it and is then answered from the right zone.
static void a_cname_into_another_zone_of_ours_is_left_to_the_resolver(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("into.example.org", A, "into.example.org. 3600 IN CNAME www.auth.example.org."),
        ROW_DATA("values.example.org", TXT, "values.example.org. 3600 IN CNAME full.auth.example.org."),
        ROW_DATA("out.auth.example.org", TXT, "out.auth.example.org. 3600 IN CNAME full.example.org."),
        ROW_DATA("across.example.org", TXT, "across.example.org. 3600 IN CNAME full.acme.example.net."),
        ROW_DATA("mail.example.org", MX, "mail.example.org. 3600 IN MX 10 www.auth.example.org."),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void ds_of_a_zone_of_ours_is_nodata(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("example.org", DS, ORG),
        ROW_NODATA("auth.example.org", DS, AUTH),
        ROW_NODATA("x.lab.auth.example.org", DS, LAB),
        ROW_NODATA("acme.example.net", DS, NET),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void names_below_an_account_are_nodata_when_configured_and_with_an_underscore(void **)
{
    struct stage *stage =
        stage_open("[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\nnodata_below = true\n");
    stage_register(stage, "full", (const char *const[]){"a", NULL});
    static const struct row rows[] = {
        ROW_NODATA("_acme-challenge.full.example.org", TXT, ORG),
        ROW_NODATA("_x.y.full.example.org", TXT, ORG),
        ROW_NODATA("_.full.example.org", A, ORG),
        ROW_NXDOMAIN("x._y.full.example.org", TXT, ORG),
        ROW_NXDOMAIN("x.full.example.org", TXT, ORG),
        ROW_NXDOMAIN("_acme-challenge.missing.example.org", TXT, ORG),
        ROW_NXDOMAIN("_missing.example.org", TXT, ORG),
    };
    stage_check(stage, rows, N_OF(rows));
    stage_close(stage);
}

static void ttls_and_names_come_from_the_config(void **)
{
    struct stage *stage = stage_open("[general]\ndomain = \"Example.ORG.\"\nnsname = \"ns.example.net.\"\n"
                                     "nsadmin = \"first.last@example.com\"\ntxt_ttl = 7\nnegative_ttl = 0\n"
                                     "records = ['example.org. NS ns.other.example.']\n");
    stage_register(stage, "full", (const char *const[]){"a", NULL});
    static const char soa[] = "example.org. 0 IN SOA ns.example.net. first\\.last.example.com. 0 28800 7200 604800 0";
    const struct row rows[] = {
        ROW_DATA("full.example.org", TXT, "full.example.org. 7 IN TXT \"a\""),
        ROW_DATA("example.org", SOA, soa),
        ROW_NXDOMAIN("missing.example.org", A, soa),
        ROW_DATA("example.org", NS, "example.org. 3600 IN NS ns.other.example."),
    };
    stage_check(stage, rows, N_OF(rows));
    stage_close(stage);
}

static void the_name_server_is_the_zone_itself_when_nothing_is_said(void **)
{
    struct stage *stage = stage_open("[general]\ndomain = \"example.org\"\nrecords = ['example.org. A 192.0.2.1']\n");
    static const struct row row = {.ask = QUESTION("example.org", NS),
                                   .head = "NOERROR aa",
                                   .answer = "example.org. 3600 IN NS example.org.",
                                   .additional = "example.org. 3600 IN A 192.0.2.1"};
    stage_check(stage, &row, 1);
    stage_close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_deepest_zone_answers),
        cmocka_unit_test(an_account_has_a_name_in_each_zone),
        cmocka_unit_test(a_cname_into_another_zone_of_ours_is_left_to_the_resolver),
        cmocka_unit_test(ds_of_a_zone_of_ours_is_nodata),
        cmocka_unit_test(names_below_an_account_are_nodata_when_configured_and_with_an_underscore),
        cmocka_unit_test(ttls_and_names_come_from_the_config),
        cmocka_unit_test(the_name_server_is_the_zone_itself_when_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

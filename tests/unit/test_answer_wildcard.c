// SPDX-License-Identifier: MIT
// Wildcards: the zone and the answers of RFC 4592 2.2.1, then wildcards beside accounts, below names and as CNAMEs.
#include "stage.h"

#include "expect.h"

#define SOA  "example. 60 IN SOA ns.example.com. hostmaster.example. 0 28800 7200 604800 60"
#define TEXT " 3600 IN TXT \"this is a wildcard\""

static const char CONFIG[] = "[general]\n"
                             "domain = \"example\"\n"
                             "nsname = \"ns.example.com\"\n"
                             "records = [\n"
                             "  'example. 3600 NS ns.example.com.',\n"
                             "  'example. 3600 NS ns.example.net.',\n"
                             "  '*.example. 3600 TXT \"this is a wildcard\"',\n"
                             "  '*.example. 3600 MX 10 host1.example.',\n"
                             "  'sub.*.example. 3600 TXT \"this is not a wildcard\"',\n"
                             "  'host1.example. 3600 A 192.0.2.1',\n"
                             "  '_ssh._tcp.host1.example. 3600 SRV 0 0 22 host1.example.',\n"
                             "  '_ssh._tcp.host2.example. 3600 SRV 0 0 22 host1.example.',\n"
                             "  'subdel.example. 3600 NS ns.example.com.',\n"
                             "  'subdel.example. 3600 NS ns.example.net.',\n"
                             "  '*.alias.example. CNAME host1.example.',\n"
                             "  '*.away.example. CNAME elsewhere.example.net.',\n"
                             "  '*.loop.example. CNAME again.loop.example.',\n"
                             "  'star.*.hollow.example. A 192.0.2.7',\n"
                             "  '*.a.b.c.example. A 192.0.2.8',\n"
                             "  '*.*.twice.example. A 192.0.2.9',\n"
                             "]\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, "account", (const char *const[]){"value", NULL});
    stage_register(stage, "empty", (const char *const[]){NULL});
    *state = stage;
    return 0;
}

static void names_that_do_not_exist_are_made_from_the_wildcard(void **state)
{
    static const struct row rows[] = {
        {.ask = QUESTION("host3.example", MX),
         .head = "NOERROR aa",
         .answer = "host3.example. 3600 IN MX 10 host1.example.",
         .additional = "host1.example. 3600 IN A 192.0.2.1"},
        ROW_DATA("host3.example", TXT, "host3.example." TEXT),
        ROW_DATA("foo.bar.example", TXT, "foo.bar.example." TEXT),
        ROW_DATA("a.b.c.d.example", TXT, "a.b.c.d.example." TEXT),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_type_the_wildcard_lacks_is_nodata(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("host3.example", A, SOA),
        ROW_NODATA("foo.bar.example", A, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void names_that_exist_are_not_made_from_the_wildcard(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("host1.example", MX, SOA),
        ROW_NODATA("host1.example", TXT, SOA),
        ROW_NODATA("sub.*.example", MX, SOA),
        ROW_NODATA("_tcp.host1.example", TXT, SOA),
        ROW_NODATA("host2.example", TXT, SOA),
        ROW_NODATA("example", TXT, SOA),
        ROW_DATA("*.example", TXT, "*.example." TEXT),
        ROW_DATA("sub.*.example", TXT, "sub.*.example. 3600 IN TXT \"this is not a wildcard\""),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void only_the_wildcard_at_the_closest_encloser_counts(void **state)
{
    static const struct row rows[] = {
        ROW_NXDOMAIN("_telnet._tcp.host1.example", SRV, SOA),
        ROW_NXDOMAIN("x.host1.example", TXT, SOA),
        ROW_NXDOMAIN("x.host2.example", TXT, SOA),
        ROW_NXDOMAIN("ghost.*.example", MX, SOA),
        ROW_NXDOMAIN("x.sub.*.example", TXT, SOA),
        ROW_NXDOMAIN("x.b.c.example", A, SOA),
        ROW_NXDOMAIN("x.c.example", TXT, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_delegation_is_not_made_from_the_wildcard(void **state)
{
    static const struct row row = {.ask = QUESTION("host.subdel.example", A),
                                   .head = "NOERROR",
                                   .authority = "subdel.example. 3600 IN NS ns.example.com.\n"
                                                "subdel.example. 3600 IN NS ns.example.net."};
    stage_check(*state, &row, 1);
}

static void a_wildcard_below_a_name_serves_all_depths_below_it(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("x.a.b.c.example", A, "x.a.b.c.example. 3600 IN A 192.0.2.8"),
        ROW_DATA("y.x.a.b.c.example", A, "y.x.a.b.c.example. 3600 IN A 192.0.2.8"),
        ROW_DATA("*.a.b.c.example", A, "*.a.b.c.example. 3600 IN A 192.0.2.8"),
        ROW_NODATA("a.b.c.example", A, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_wildcard_that_is_an_empty_non_terminal_is_nodata(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("x.hollow.example", A, SOA),
        ROW_NODATA("y.x.hollow.example", A, SOA),
        ROW_DATA("star.*.hollow.example", A, "star.*.hollow.example. 3600 IN A 192.0.2.7"),
        ROW_NXDOMAIN("moon.*.hollow.example", A, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_wildcard_below_a_wildcard_serves_names_below_the_asterisk_only(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("x.*.twice.example", A, "x.*.twice.example. 3600 IN A 192.0.2.9"),
        ROW_NODATA("x.twice.example", A, SOA),
        ROW_NODATA("y.x.twice.example", A, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_wildcard_reaches_neither_an_account_nor_below_it(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("account.example", TXT, "account.example. 0 IN TXT \"value\""),
        ROW_NODATA("account.example", MX, SOA),
        ROW_NODATA("empty.example", TXT, SOA),
        ROW_NXDOMAIN("x.account.example", TXT, SOA),
        ROW_NXDOMAIN("x.empty.example", MX, SOA),
        ROW_NXDOMAIN("_acme-challenge.empty.example", TXT, SOA),
        ROW_NODATA("_acme-challenge.example", TXT, SOA),
        ROW_NXDOMAIN("x._acme-challenge.example", TXT, SOA),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_wildcard_cname_is_followed(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("any.alias.example", A,
                 "any.alias.example. 3600 IN CNAME host1.example.\nhost1.example. 3600 IN A 192.0.2.1"),
        ROW_DATA("any.alias.example", CNAME, "any.alias.example. 3600 IN CNAME host1.example."),
        ROW_DATA("x.away.example", TXT, "x.away.example. 3600 IN CNAME elsewhere.example.net."),
        ROW_DATA("x.loop.example", TXT, "x.loop.example. 3600 IN CNAME again.loop.example."),
        {.ask = QUESTION("any.alias.example", TXT),
         .head = "NOERROR aa",
         .answer = "any.alias.example. 3600 IN CNAME host1.example.",
         .authority = SOA},
    };
    stage_check(*state, rows, N_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_do_not_exist_are_made_from_the_wildcard),
        cmocka_unit_test(a_type_the_wildcard_lacks_is_nodata),
        cmocka_unit_test(names_that_exist_are_not_made_from_the_wildcard),
        cmocka_unit_test(only_the_wildcard_at_the_closest_encloser_counts),
        cmocka_unit_test(a_delegation_is_not_made_from_the_wildcard),
        cmocka_unit_test(a_wildcard_below_a_name_serves_all_depths_below_it),
        cmocka_unit_test(a_wildcard_that_is_an_empty_non_terminal_is_nodata),
        cmocka_unit_test(a_wildcard_below_a_wildcard_serves_names_below_the_asterisk_only),
        cmocka_unit_test(a_wildcard_reaches_neither_an_account_nor_below_it),
        cmocka_unit_test(a_wildcard_cname_is_followed),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

// SPDX-License-Identifier: MIT
// CNAMEs among the static records: followed as far as the zone goes, and no further.
#include "stage.h"

#include "expect.h"

#include <stdio.h>

#define ZONE "auth.example.org"
#define SOA  ZONE ". 60 IN SOA " ZONE ". hostmaster." ZONE ". 0 28800 7200 604800 60"
#define TO   " 3600 IN CNAME "

static const char CONFIG[] = "[general]\n"
                             "domain = \"auth.example.org\"\n"
                             "records = [\n"
                             "  'www.auth.example.org. A 192.0.2.80',\n"
                             "  'one.auth.example.org. CNAME www.auth.example.org.',\n"
                             "  'two.auth.example.org. CNAME ONE.Auth.Example.Org.',\n"
                             "  'away.auth.example.org. CNAME www.example.com.',\n"
                             "  'up.auth.example.org. CNAME example.org.',\n"
                             "  'apex.auth.example.org. CNAME auth.example.org.',\n"
                             "  'nowhere.auth.example.org. CNAME missing.auth.example.org.',\n"
                             "  'hollow.auth.example.org. CNAME ent.auth.example.org.',\n"
                             "  'x.ent.auth.example.org. A 192.0.2.81',\n"
                             "  'account.auth.example.org. CNAME full.auth.example.org.',\n"
                             "  'vacant.auth.example.org. CNAME empty.auth.example.org.',\n"
                             "  'below.auth.example.org. CNAME x.full.auth.example.org.',\n"
                             "  'own.auth.example.org. CNAME _acme-challenge.auth.example.org.',\n"
                             "  'wild.auth.example.org. CNAME any.stars.auth.example.org.',\n"
                             "  '*.stars.auth.example.org. TXT \"star\"',\n"
                             "  'self.auth.example.org. CNAME self.auth.example.org.',\n"
                             "  'ping.auth.example.org. CNAME pong.auth.example.org.',\n"
                             "  'pong.auth.example.org. CNAME ping.auth.example.org.',\n"
                             "  'under.auth.example.org. CNAME host.sub.auth.example.org.',\n"
                             "  'cut.auth.example.org. CNAME sub.auth.example.org.',\n"
                             "  'sub.auth.example.org. NS ns.sub.auth.example.org.',\n"
                             "  'ns.sub.auth.example.org. A 192.0.2.99',\n"
                             "  'c1.auth.example.org. CNAME c2.auth.example.org.',\n"
                             "  'c2.auth.example.org. CNAME c3.auth.example.org.',\n"
                             "  'c3.auth.example.org. CNAME c4.auth.example.org.',\n"
                             "  'c4.auth.example.org. CNAME c5.auth.example.org.',\n"
                             "  'c5.auth.example.org. CNAME c6.auth.example.org.',\n"
                             "  'c6.auth.example.org. CNAME c7.auth.example.org.',\n"
                             "  'c7.auth.example.org. CNAME c8.auth.example.org.',\n"
                             "  'c8.auth.example.org. CNAME c9.auth.example.org.',\n"
                             "  'c9.auth.example.org. CNAME www.auth.example.org.',\n"
                             "]\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, "full", (const char *const[]){"a", "b", NULL});
    stage_register(stage, "empty", (const char *const[]){NULL});
    *state = stage;
    return 0;
}

static void a_chain_is_followed_to_the_records_asked_for(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("one." ZONE, A, "one." ZONE "." TO "www." ZONE ".\nwww." ZONE ". 3600 IN A 192.0.2.80"),
        ROW_DATA("two." ZONE, A,
                 "two." ZONE "." TO "ONE." ZONE ".\none." ZONE "." TO "www." ZONE ".\nwww." ZONE
                 ". 3600 IN A 192.0.2.80"),
        ROW_DATA("apex." ZONE, SOA, "apex." ZONE "." TO ZONE ".\n" SOA),
        ROW_DATA("wild." ZONE, TXT,
                 "wild." ZONE "." TO "any.stars." ZONE ".\nany.stars." ZONE ". 3600 IN TXT \"star\""),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_question_for_the_cname_itself_is_not_followed(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("two." ZONE, CNAME, "two." ZONE "." TO "ONE." ZONE "."),
        ROW_DATA("self." ZONE, CNAME, "self." ZONE "." TO "self." ZONE "."),
        ROW_DATA("away." ZONE, CNAME, "away." ZONE "." TO "www.example.com."),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_target_outside_the_zone_is_left_to_the_resolver(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("away." ZONE, A, "away." ZONE "." TO "www.example.com."),
        ROW_DATA("away." ZONE, TXT, "away." ZONE "." TO "www.example.com."),
        ROW_DATA("up." ZONE, A, "up." ZONE "." TO "example.org."),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_chain_that_ends_in_nothing_says_what_kind_of_nothing(void **state)
{
    static const struct row rows[] = {
        {.ask = QUESTION("nowhere." ZONE, A),
         .head = "NXDOMAIN aa",
         .answer = "nowhere." ZONE "." TO "missing." ZONE ".",
         .authority = SOA},
        {.ask = QUESTION("one." ZONE, TXT),
         .head = "NOERROR aa",
         .answer = "one." ZONE "." TO "www." ZONE ".",
         .authority = SOA},
        {.ask = QUESTION("hollow." ZONE, A),
         .head = "NOERROR aa",
         .answer = "hollow." ZONE "." TO "ent." ZONE ".",
         .authority = SOA},
        {.ask = QUESTION("vacant." ZONE, TXT),
         .head = "NOERROR aa",
         .answer = "vacant." ZONE "." TO "empty." ZONE ".",
         .authority = SOA},
        {.ask = QUESTION("below." ZONE, TXT),
         .head = "NXDOMAIN aa",
         .answer = "below." ZONE "." TO "x.full." ZONE ".",
         .authority = SOA},
        {.ask = QUESTION("own." ZONE, TXT),
         .head = "NOERROR aa",
         .answer = "own." ZONE "." TO "_acme-challenge." ZONE ".",
         .authority = SOA},
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_target_that_is_an_account_brings_its_values(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("account." ZONE, TXT,
                 "account." ZONE "." TO "full." ZONE ".\nfull." ZONE ". 0 IN TXT \"a\"\nfull." ZONE ". 0 IN TXT \"b\""),
        {.ask = QUESTION("account." ZONE, A),
         .head = "NOERROR aa",
         .answer = "account." ZONE "." TO "full." ZONE ".",
         .authority = SOA},
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_loop_is_answered_with_the_cnames_that_make_it(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("self." ZONE, A, "self." ZONE "." TO "self." ZONE "."),
        ROW_DATA("ping." ZONE, A, "ping." ZONE "." TO "pong." ZONE ".\npong." ZONE "." TO "ping." ZONE "."),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void a_chain_into_a_delegation_ends_in_a_referral(void **state)
{
    static const struct row rows[] = {
        {.ask = QUESTION("under." ZONE, A),
         .head = "NOERROR aa",
         .answer = "under." ZONE "." TO "host.sub." ZONE ".",
         .authority = "sub." ZONE ". 3600 IN NS ns.sub." ZONE ".",
         .additional = "ns.sub." ZONE ". 3600 IN A 192.0.2.99"},
        {.ask = QUESTION("cut." ZONE, TXT),
         .head = "NOERROR aa",
         .answer = "cut." ZONE "." TO "sub." ZONE ".",
         .authority = "sub." ZONE ". 3600 IN NS ns.sub." ZONE ".",
         .additional = "ns.sub." ZONE ". 3600 IN A 192.0.2.99"},
    };
    stage_check(*state, rows, N_OF(rows));
}

// Eight links are followed; a resolver goes on from there.
static void a_long_chain_is_followed_for_eight_links(void **state)
{
    char answer[1024] = "";
    size_t n = 0;
    for (unsigned i = 2; i < 10; i++)
        n += (size_t)snprintf(answer + n, sizeof answer - n, "c%u." ZONE "." TO "%s." ZONE ".\n", i,
                              (const char *const[]){"c3", "c4", "c5", "c6", "c7", "c8", "c9", "www"}[i - 2]);
    const struct row too_long = ROW_DATA("c2." ZONE, A, answer);
    stage_check(*state, &too_long, 1);

    const char *rest = strstr(answer, "c3." ZONE "." TO);
    snprintf(answer + n, sizeof answer - n, "www." ZONE ". 3600 IN A 192.0.2.80\n");
    const struct row fits = ROW_DATA("c3." ZONE, A, rest);
    stage_check(*state, &fits, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_followed_to_the_records_asked_for),
        cmocka_unit_test(a_question_for_the_cname_itself_is_not_followed),
        cmocka_unit_test(a_target_outside_the_zone_is_left_to_the_resolver),
        cmocka_unit_test(a_chain_that_ends_in_nothing_says_what_kind_of_nothing),
        cmocka_unit_test(a_target_that_is_an_account_brings_its_values),
        cmocka_unit_test(a_loop_is_answered_with_the_cnames_that_make_it),
        cmocka_unit_test(a_chain_into_a_delegation_ends_in_a_referral),
        cmocka_unit_test(a_long_chain_is_followed_for_eight_links),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

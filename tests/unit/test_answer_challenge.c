// SPDX-License-Identifier: MIT
// The server's own challenge: at the apexes, and below names inside the zones that it gets a certificate for.
#include "stage.h"

#include "expect.h"

#define SOA_OF(zone_) zone_ ". 60 IN SOA ns.example.net. hostmaster.example.org. 0 28800 7200 604800 60"
#define ORG           SOA_OF("example.org")
#define NET           SOA_OF("acme.example.net")

static const char CONFIG[] = "[general]\n"
                             "domain = [\"example.org\", \"acme.example.net\"]\n"
                             "nsname = \"ns.example.net\"\n"
                             "listen = \":53\"\n"
                             "records = [\n"
                             "  'example.org. A 192.0.2.1',\n"
                             "  'api.example.org. A 192.0.2.2',\n"
                             "  'x._acme-challenge.api.example.org. A 192.0.2.3',\n"
                             "  '*.example.org. TXT \"star\"',\n"
                             "]\n"
                             "[api]\n"
                             "tls = \"letsencrypt\"\n"
                             "api_domain = [\"example.org\", \"api.example.org\"]\n";

#define CHALLENGE_ROWS(values_)                                                                                        \
    ROW_DATA("_acme-challenge.example.org", TXT, values_("_acme-challenge.example.org")),                              \
        ROW_DATA("_ACME-challenge.Api.example.org", TXT, values_("_ACME-challenge.Api.example.org")),                  \
        ROW_DATA("_acme-challenge.acme.example.net", TXT, values_("_acme-challenge.acme.example.net"))
#define VALUES(name_) name_ ". 0 IN TXT \"one\"\n" name_ ". 0 IN TXT \"two\""

static int open_stage(void **state)
{
    *state = stage_open(CONFIG);
    return 0;
}

static void there_is_no_data_without_an_order(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("_acme-challenge.example.org", TXT, ORG),
        ROW_NODATA("_acme-challenge.example.org", A, ORG),
        ROW_NODATA("_acme-challenge.api.example.org", TXT, ORG),
        ROW_NODATA("_acme-challenge.api.example.org", A, ORG),
        ROW_NODATA("_acme-challenge.acme.example.net", TXT, NET),
        ROW_NXDOMAIN("_acme-challenge.www.acme.example.net", TXT, NET),
        ROW_NXDOMAIN("x._acme-challenge.example.org", TXT, ORG),
        ROW_DATA("x._acme-challenge.api.example.org", A, "x._acme-challenge.api.example.org. 3600 IN A 192.0.2.3"),
        ROW_DATA("other.example.org", TXT, "other.example.org. 3600 IN TXT \"star\""),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void every_name_has_all_the_values_of_an_order(void **state)
{
    static const struct row rows[] = {CHALLENGE_ROWS(VALUES)};
    stage_register(*state, "_acme-challenge", (const char *const[]){"one", "two", NULL});
    stage_check(*state, rows, N_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_is_no_data_without_an_order, open_stage, stage_teardown),
        cmocka_unit_test_setup_teardown(every_name_has_all_the_values_of_an_order, open_stage, stage_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

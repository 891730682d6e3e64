// SPDX-License-Identifier: MIT
// CAA records: which authority may issue, for whom, by which method (RFC 8659, RFC 8657). Tables of cases.
#include "caa.h"

#include "expect.h"

#define OURS    "letsencrypt.org"
#define ACCOUNT "https://acme.example/acct/1"

static ldns_rr_list *records_of(const char *const *texts)
{
    ldns_rr_list *list = ldns_rr_list_new();
    for (size_t i = 0; i < 4 && texts[i] != NULL; i++) {
        char line[512];
        ldns_rr *record;
        snprintf(line, sizeof line, "example.com. 60 IN CAA %s", texts[i]);
        assert_int_equal(ldns_rr_new_frm_str(&record, line, 0, NULL, NULL), LDNS_STATUS_OK);
        ldns_rr_list_push_rr(list, record);
    }
    return list;
}

struct judged {
    const char *records[4];
    enum caa_answer plain;    // for the domain, with our account known
    enum caa_answer wildcard; // for its wildcard
    enum caa_answer unknown;  // for the domain, our account not known
};

static const struct judged CASES[] = {
    {{"0 iodef \"mailto:a@example.com\""}, CAA_FREE, CAA_FREE, CAA_FREE},
    {{"0 issue \"letsencrypt.org\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"0 ISSUE \" LetsEncrypt.ORG \""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"128 issue \"letsencrypt.org\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"0 issue \"ca.example\""}, CAA_OTHER, CAA_OTHER, CAA_OTHER},
    {{"0 issue \"xletsencrypt.org\""}, CAA_OTHER, CAA_OTHER, CAA_OTHER},
    {{"0 issue \"ca.example\"", "0 issue \"letsencrypt.org\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"0 issue \";\""}, CAA_OTHER, CAA_OTHER, CAA_OTHER},
    {{"0 issue \"\""}, CAA_OTHER, CAA_OTHER, CAA_OTHER},
    {{"0 issue \";\"", "0 issuewild \"letsencrypt.org\""}, CAA_OTHER, CAA_ALLOWED, CAA_OTHER},
    {{"0 issue \"letsencrypt.org\"", "0 issuewild \";\""}, CAA_ALLOWED, CAA_OTHER, CAA_ALLOWED},
    {{"0 issuewild \"ca.example\""}, CAA_FREE, CAA_OTHER, CAA_FREE},
    {{"0 issue \"letsencrypt.org; validationmethods=dns-01\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"0 issue \"letsencrypt.org;validationmethods = http-01 , DNS-01\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"0 issue \"letsencrypt.org; validationmethods=http-01\""}, CAA_METHOD, CAA_METHOD, CAA_METHOD},
    {{"0 issue \"letsencrypt.org; validationmethods=\""}, CAA_METHOD, CAA_METHOD, CAA_METHOD},
    {{"0 issue \"letsencrypt.org; accounturi=" ACCOUNT "\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_CONDITION},
    {{"0 issue \"letsencrypt.org; accounturi=" ACCOUNT "2\""}, CAA_ACCOUNT, CAA_ACCOUNT, CAA_CONDITION},
    {{"0 issue \"letsencrypt.org; accounturi=x\"", "0 issue \"letsencrypt.org; accounturi=" ACCOUNT "\""},
     CAA_ALLOWED,
     CAA_ALLOWED,
     CAA_CONDITION},
    {{"0 issue \"letsencrypt.org; accounturi=" ACCOUNT "; validationmethods=http-01\""},
     CAA_METHOD,
     CAA_METHOD,
     CAA_METHOD},
    {{"0 issue \"ca.example\"", "0 issue \"letsencrypt.org; validationmethods=http-01\""},
     CAA_METHOD,
     CAA_METHOD,
     CAA_METHOD},
    {{"0 issue \"letsencrypt.org; later=yes; flag\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"128 tbs \"unknown\"", "0 issue \"letsencrypt.org\""}, CAA_CRITICAL, CAA_CRITICAL, CAA_CRITICAL},
    {{"0 tbs \"unknown\"", "0 issue \"letsencrypt.org\""}, CAA_ALLOWED, CAA_ALLOWED, CAA_ALLOWED},
    {{"128 iodef \"mailto:a@example.com\""}, CAA_FREE, CAA_FREE, CAA_FREE},
};

static void records_are_judged_as_the_rfcs_say(void **)
{
    for (size_t i = 0; i < N_OF(CASES); i++) {
        ldns_rr_list *records = records_of(CASES[i].records);
        char detail[CAA_DETAIL_MAX];
        struct caa_question plain = {.ca = OURS, .account_uri = ACCOUNT};
        struct caa_question wildcard = {.ca = OURS, .account_uri = ACCOUNT, .is_wildcard = true};
        struct caa_question unknown = {.ca = OURS};
        enum caa_answer answers[] = {caa_judge(records, &plain, detail), caa_judge(records, &wildcard, detail),
                                     caa_judge(records, &unknown, detail)};
        enum caa_answer wanted[] = {CASES[i].plain, CASES[i].wildcard, CASES[i].unknown};
        for (size_t k = 0; k < N_OF(wanted); k++)
            if (answers[k] != wanted[k])
                fail_msg("case %zu, question %zu: %d, not %d (%s)", i, k, answers[k], wanted[k], detail);
        ldns_rr_list_deep_free(records);
    }
}

static void the_value_that_decided_is_told_printably(void **)
{
    const char *const texts[4] = {"0 issue \"a\\027b.example\"",
                                  "0 issue \"letsencrypt.org; validationmethods=http-01\""};
    ldns_rr_list *records = records_of(texts);
    char detail[CAA_DETAIL_MAX];
    (void)caa_judge(records, &(struct caa_question){.ca = OURS}, detail);
    assert_string_equal(detail, "issue \"letsencrypt.org; validationmethods=http-01\"");
    (void)caa_judge(records, &(struct caa_question){.ca = "a?b.example"}, detail);
    assert_string_equal(detail, "issue \"a?b.example\"");
    ldns_rr_list_deep_free(records);
}

static void no_records_restrict_nothing(void **)
{
    ldns_rr_list *none = ldns_rr_list_new();
    char detail[CAA_DETAIL_MAX];
    assert_int_equal(caa_judge(none, &(struct caa_question){.ca = OURS}, detail), CAA_FREE);
    assert_string_equal(detail, "");
    ldns_rr_list_deep_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_judged_as_the_rfcs_say),
        cmocka_unit_test(the_value_that_decided_is_told_printably),
        cmocka_unit_test(no_records_restrict_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

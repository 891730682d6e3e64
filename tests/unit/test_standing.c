// SPDX-License-Identifier: MIT
// How a domain stands: every way from state to state, and what is told of it. Days are made up; no clock is read.
#include "standing.h"

#include "expect.h"

#include <string.h>

#define DAY 86400
#define NOW (1000 * (int64_t)DAY)

static const struct standing_rules RULES = {.n_days = 4, .days = {30, 14, 7, 2}, .n_confirm = 2};

// A look: D the delegation is in order, V there is a value, P a place for the certificate is known, G it is good, B it
// is bad; `days` until the certificate ends.
static bool look(struct standing *standing, const char *what, int64_t days)
{
    bool has_any = strchr(what, 'G') != NULL || strchr(what, 'B') != NULL;
    struct sight sight = {.is_delegated = strchr(what, 'D') != NULL,
                          .delegation = "cname: there is none",
                          .has_value = strchr(what, 'V') != NULL,
                          .has_place = strchr(what, 'P') != NULL,
                          .certificate = strchr(what, 'G') != NULL   ? CERTIFICATE_GOOD
                                         : strchr(what, 'B') != NULL ? CERTIFICATE_BAD
                                                                     : CERTIFICATE_NONE,
                          .certificate_reason = "no such file",
                          .not_after_s = has_any ? NOW + days * DAY : 0,
                          .now_s = NOW};
    return standing_update(standing, &sight, &RULES);
}

static void each_sight_makes_its_state(void **)
{
    static const struct {
        const char *what;
        int64_t days;
        enum standing_state state;
    } CASES[] = {
        {"P", 0, STANDING_PENDING},    {"", 0, STANDING_PENDING},    {"VP", 0, STANDING_PENDING},
        {"D", 0, STANDING_VERIFIED},   {"DP", 0, STANDING_VERIFIED}, {"DV", 0, STANDING_VERIFIED},
        {"DVP", 0, STANDING_ISSUING},  {"DPG", 31, STANDING_LIVE},   {"DPG", 30, STANDING_EXPIRING},
        {"DPG", 1, STANDING_EXPIRING}, {"DPB", 60, STANDING_BROKEN}, {"PG", 60, STANDING_BROKEN},
        {"PB", 60, STANDING_BROKEN},   {"DVPG", 60, STANDING_LIVE},  {"DPB", -1, STANDING_BROKEN},
    };
    for (size_t i = 0; i < N_OF(CASES); i++) {
        struct standing standing = {0};
        assert_true(look(&standing, CASES[i].what, CASES[i].days));
        if (standing.state != CASES[i].state)
            fail_msg("case %zu: %s, not %s", i, standing_word(standing.state), standing_word(CASES[i].state));
        assert_int_equal(standing.since_s, NOW);
        assert_true(standing.reason[0] != 0);
    }
}

static void what_was_in_order_is_broken_only_at_the_second_bad_look(void **)
{
    struct standing standing = {0};
    (void)look(&standing, "DPG", 60);
    assert_false(look(&standing, "PG", 60));
    assert_int_equal(standing.state, STANDING_LIVE);
    assert_false(look(&standing, "DPG", 60)); // and a good one in between begins the count anew
    assert_false(look(&standing, "PG", 60));
    assert_true(look(&standing, "PG", 60));
    assert_int_equal(standing.state, STANDING_BROKEN);
    assert_true(look(&standing, "DPG", 60));
    assert_int_equal(standing.state, STANDING_LIVE);
}

static void a_delegation_that_was_in_order_once_is_not_pending_again(void **)
{
    struct standing standing = {0};
    (void)look(&standing, "P", 0);
    assert_int_equal(standing.state, STANDING_PENDING);
    (void)look(&standing, "DP", 0);
    (void)look(&standing, "P", 0);
    (void)look(&standing, "P", 0);
    assert_int_equal(standing.state, STANDING_BROKEN);
}

static void a_certificate_that_is_gone_is_broken(void **)
{
    struct standing standing = {0};
    (void)look(&standing, "DPG", 60);
    (void)look(&standing, "DP", 0);
    (void)look(&standing, "DP", 0);
    assert_int_equal(standing.state, STANDING_BROKEN);
    assert_non_null(strstr(standing.reason, "the certificate is gone: no such file"));
}

static void keys_name_the_state_and_the_threshold(void **)
{
    static const struct {
        const char *what;
        int64_t days;
        const char *key;
    } CASES[] = {
        {"DPG", 31, ""},          {"DPG", 30, "expiring-30"}, {"DPG", 15, "expiring-30"}, {"DPG", 14, "expiring-14"},
        {"DPG", 7, "expiring-7"}, {"DPG", 2, "expiring-2"},   {"DPG", 1, "expiring-2"},   {"DPB", 0, "broken-0"},
        {"DPB", -9, "broken-0"},  {"PG", 60, "broken"},       {"PG", 10, "broken-14"},    {"P", 0, ""},
        {"DVP", 0, ""},
    };
    for (size_t i = 0; i < N_OF(CASES); i++) {
        struct standing standing = {0};
        char key[STANDING_KEY_MAX];
        (void)look(&standing, CASES[i].what, CASES[i].days);
        standing_key(&standing, &RULES, NOW, key);
        assert_string_equal(key, CASES[i].key);
    }
}

static void days_are_rounded_down_on_both_sides_of_the_end(void **)
{
    static const struct {
        int64_t left_s, days;
    } CASES[] = {{DAY, 1}, {DAY - 1, 0}, {0, 0}, {-1, -1}, {-DAY, -1}, {-DAY - 1, -2}};
    for (size_t i = 0; i < N_OF(CASES); i++)
        assert_int_equal(standing_days(&(struct standing){.not_after_s = NOW + CASES[i].left_s}, NOW), CASES[i].days);
}

static void a_standing_survives_its_file(void **)
{
    struct standing standing = {0}, back = {0};
    (void)look(&standing, "DPG", 20);
    (void)look(&standing, "PG", 20);
    strcpy(standing.alerted, "expiring-30");
    json_t *object = standing_json(&standing);
    assert_true(standing_read(&back, object));
    assert_memory_equal(&back, &standing, sizeof back);

    static const char *const SPOILED[] = {"state", "reason", "since", "not_after", "alerted", "bad_looks"};
    for (size_t i = 0; i < N_OF(SPOILED); i++) {
        json_t *copy = json_copy(object);
        json_object_set_new(copy, SPOILED[i], json_true());
        assert_false(standing_read(&back, copy));
        json_object_del(copy, SPOILED[i]);
        assert_false(standing_read(&back, copy));
        json_decref(copy);
    }
    json_object_set_new(object, "state", json_string("happy"));
    assert_false(standing_read(&back, object));
    assert_memory_equal(&back, &standing, sizeof back);
    assert_false(standing_read(&back, NULL));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sight_makes_its_state),
        cmocka_unit_test(what_was_in_order_is_broken_only_at_the_second_bad_look),
        cmocka_unit_test(a_delegation_that_was_in_order_once_is_not_pending_again),
        cmocka_unit_test(a_certificate_that_is_gone_is_broken),
        cmocka_unit_test(keys_name_the_state_and_the_threshold),
        cmocka_unit_test(days_are_rounded_down_on_both_sides_of_the_end),
        cmocka_unit_test(a_standing_survives_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Counters: one owner counts, anybody reads.
#include "counters.h"

#include "expect.h"

#include <pthread.h>
#include <string.h>

enum { N_ADDED = 200000 };

static void counters_start_at_zero_and_count_by_themselves(void **)
{
    static struct counters counters;
    for (unsigned i = 0; i < N_COUNTERS; i++)
        assert_int_equal(counter_value(&counters, i), 0);
    for (unsigned i = 0; i < N_COUNTERS; i++)
        for (unsigned k = 0; k <= i; k++)
            count(&counters, i);
    count_many(&counters, COUNT_updates, 1000000000000);
    count_many(&counters, COUNT_commits, 0);
    for (unsigned i = 0; i < N_COUNTERS; i++)
        assert_int_equal(counter_value(&counters, i), i + 1 + (i == COUNT_updates ? 1000000000000 : 0));
}

static void every_counter_has_a_name_and_a_help_of_its_own(void **)
{
    static const char *const texts[][2] = {
#define TEXTS(name, help) {#name, help},
        COUNTER_LIST(TEXTS)
#undef TEXTS
    };
    assert_int_equal(N_OF(texts), N_COUNTERS);
    for (size_t i = 0; i < N_OF(texts); i++)
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(texts[i][0], texts[k][0]);
            assert_string_not_equal(texts[i][1], texts[k][1]);
        }
}

static void owners_share_no_cache_line(void **)
{
    static struct counters two[2];
    assert_int_equal((uintptr_t)&two[0] % 64, 0);
    assert_int_equal(sizeof two[0] % 64, 0);
}

static void *count_much(void *argument)
{
    struct counters *counters = argument;
    for (unsigned i = 0; i < N_ADDED; i++)
        count(counters, COUNT_noerror);
    return NULL;
}

static void a_reader_sees_a_counter_grow(void **)
{
    static struct counters counters;
    pthread_t owner;
    assert_int_equal(pthread_create(&owner, NULL, count_much, &counters), 0);
    for (uint64_t last = 0, now = 0; now < N_ADDED; last = now) {
        now = counter_value(&counters, COUNT_noerror);
        assert_true(now >= last);
    }
    assert_int_equal(pthread_join(owner, NULL), 0);
    assert_int_equal(counter_value(&counters, COUNT_noerror), N_ADDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_start_at_zero_and_count_by_themselves),
        cmocka_unit_test(every_counter_has_a_name_and_a_help_of_its_own),
        cmocka_unit_test(owners_share_no_cache_line),
        cmocka_unit_test(a_reader_sees_a_counter_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "histogram.h"

#include "expect.h"

static void a_value_on_a_bound_belongs_to_the_bucket_below_it(void **)
{
    struct histogram histogram = {0};
    struct histogram_sum sum = {0};
    histogram_note(&histogram, &histogram_of_numbers, 1, 1);
    histogram_note(&histogram, &histogram_of_numbers, 2, 1);
    histogram_note(&histogram, &histogram_of_numbers, 3, 1);
    histogram_read(&sum, &histogram);
    assert_int_equal(sum.buckets[0], 1);
    assert_int_equal(sum.buckets[1], 1);
    assert_int_equal(sum.buckets[2], 1);
    assert_int_equal(sum.sum, 6);
}

static void what_is_beyond_the_last_bound_is_counted_too(void **)
{
    struct histogram histogram = {0};
    struct histogram_sum sum = {0};
    histogram_note(&histogram, &histogram_of_ns, UINT64_MAX, 1);
    histogram_read(&sum, &histogram);
    assert_int_equal(sum.buckets[histogram_of_ns.n], 1);
}

static void a_value_may_be_noted_many_times_at_once(void **)
{
    struct histogram histogram = {0};
    struct histogram_sum sum = {0};
    histogram_note(&histogram, &histogram_of_ns, 20 * HISTOGRAM_US, 32);
    histogram_read(&sum, &histogram);
    assert_int_equal(sum.buckets[1], 32);
    assert_int_equal(sum.sum, 640 * HISTOGRAM_US);
}

static void sums_of_several_add_up(void **)
{
    struct histogram one = {0}, other = {0};
    struct histogram_sum sum = {0};
    histogram_note(&one, &histogram_of_ns, 0, 1);
    histogram_note(&other, &histogram_of_ns, 0, 2);
    histogram_read(&sum, &one);
    histogram_read(&sum, &other);
    assert_int_equal(sum.buckets[0], 3);
}

static void bounds_rise_and_leave_room_for_what_is_beyond(void **)
{
    const struct histogram_scale *scales[] = {&histogram_of_ns, &histogram_of_numbers};
    for (size_t i = 0; i < N_OF(scales); i++) {
        assert_in_range(scales[i]->n, 1, HISTOGRAM_BOUNDS);
        for (size_t at = 1; at < scales[i]->n; at++)
            assert_true(scales[i]->bounds[at - 1] < scales[i]->bounds[at]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_on_a_bound_belongs_to_the_bucket_below_it),
        cmocka_unit_test(what_is_beyond_the_last_bound_is_counted_too),
        cmocka_unit_test(a_value_may_be_noted_many_times_at_once),
        cmocka_unit_test(sums_of_several_add_up),
        cmocka_unit_test(bounds_rise_and_leave_room_for_what_is_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

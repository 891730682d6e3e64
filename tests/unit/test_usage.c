// SPDX-License-Identifier: MIT
// How large a store says it is.
#include "expect.h"
#include "vault.h"
#include "writing.h"

#include <stdio.h>
#include <stdlib.h>

static int make(void **state)
{
    struct vault *vault = vault_new();
    expect_ok(vault_open(vault, VAULT_USUAL));
    *state = vault;
    return 0;
}

static int drop(void **state)
{
    vault_free(*state);
    return 0;
}

static struct store_usage usage_of(struct vault *vault)
{
    struct store_usage usage = {0};
    expect_ok(store_begin(vault->reader));
    expect_ok(store_usage(vault->reader, &usage));
    store_end(vault->reader);
    return usage;
}

static void register_many(struct vault *vault, unsigned n)
{
    char name[16];
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "name-%u", i);
        expect_ok(writing_register(vault->store, name));
    }
}

static void accounts_are_counted(void **state)
{
    assert_int_equal(usage_of(*state).n_accounts, 0);
    register_many(*state, 7);
    assert_int_equal(usage_of(*state).n_accounts, 7);
}

static void what_is_free_is_part_of_what_is_used_and_that_of_the_map(void **state)
{
    struct store_usage empty = usage_of(*state);
    register_many(*state, 200);
    struct store_usage usage = usage_of(*state);
    assert_int_equal(usage.map_bytes, VAULT_USUAL.map_bytes);
    assert_true(usage.used_bytes > empty.used_bytes);
    assert_true(usage.used_bytes <= usage.map_bytes);
    assert_true(usage.free_bytes > 0); // the pages that the last changes have replaced
    assert_true(usage.free_bytes < usage.used_bytes);
}

static void the_disk_is_told(void **state)
{
    struct store_usage usage = usage_of(*state);
    assert_true(usage.disk_bytes > 0);
    assert_true(usage.disk_free_bytes <= usage.disk_bytes);
}

static void commits_are_timed_and_their_changes_counted(void **state)
{
    struct vault *vault = *state;
    register_many(vault, 3);
    struct histogram_sum times = {0}, changes = {0};
    histogram_read(&times, &store_histograms(vault->store)->commit_ns);
    histogram_read(&changes, &store_histograms(vault->store)->changes);
    uint64_t n = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        n += times.buckets[i];
    assert_int_equal(n, 3);
    assert_true(times.sum > 0);
    assert_int_equal(changes.buckets[0], 3);
    assert_int_equal(changes.sum, 3);
}

#define IN_VAULT(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_VAULT(accounts_are_counted),
        IN_VAULT(what_is_free_is_part_of_what_is_used_and_that_of_the_map),
        IN_VAULT(the_disk_is_told),
        IN_VAULT(commits_are_timed_and_their_changes_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// No room left, in the map or on the disk: those that do not fit are refused, the others are kept, reading goes on, and
// when there is room again writing goes on too.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { MAP_BYTES = 256 * 1024, LARGE_BYTES = 30000 };

static int open_vault(void **state)
{
    struct vault *vault = vault_new();
    expect_ok(vault_open(vault, (struct vault_size){MAP_BYTES, 2}));
    expect_ok(writing_register(vault->store, "first"));
    expect_ok(writing_update(vault->store, "first", "kept"));
    *state = vault;
    return 0;
}

static int free_vault(void **state)
{
    vault_free(*state);
    return 0;
}

// An account whose record takes `n_bytes`.
static struct change large_account(const char *subdomain, size_t n_bytes)
{
    static uint8_t fill[LARGE_BYTES];
    memset(fill, 'h', sizeof fill);
    return (struct change){.kind = CHANGE_REGISTER,
                           .account = {.username = writing_username(subdomain),
                                       .subdomain = bytes_of_text(subdomain),
                                       .hash = {fill, n_bytes}}};
}

// Registers accounts of this size until there is no room for another; returns how many there was room for.
static unsigned fill_up(struct vault *vault, size_t n_bytes)
{
    char subdomain[24];
    for (unsigned n = 0;; n++) {
        snprintf(subdomain, sizeof subdomain, "f%zu-%u", n_bytes, n);
        struct change change = large_account(subdomain, n_bytes);
        enum err err = writing_submit(vault->store, &change);
        if (err != ERR_OK) {
            assert_int_equal(err, ERR_FULL);
            vault_expect_values(vault, subdomain, "-");
            return n;
        }
    }
}

static void a_full_map_refuses_what_does_not_fit_and_keeps_the_rest(void **state)
{
    struct vault *vault = *state;
    unsigned n = fill_up(vault, LARGE_BYTES);
    assert_in_range(n, 1, MAP_BYTES / LARGE_BYTES);
    assert_int_equal(vault_revision(vault), 2 + n);
    vault_expect_values(vault, "first", " kept");
    for (unsigned i = 0; i < n; i++) {
        char subdomain[24];
        snprintf(subdomain, sizeof subdomain, "f%d-%u", LARGE_BYTES, i);
        vault_expect_values(vault, subdomain, "");
    }
    assert_int_equal(vault_count(vault, COUNT_store_errors), 1);
    char *log = vault_take_log(vault);
    assert_non_null(strstr(log, " error store.commit_failed error=\"the store or its disk is full\"\n"));
    free(log);
}

static void a_full_store_opens_again_and_is_still_full(void **state)
{
    struct vault *vault = *state;
    assert_in_range(fill_up(vault, LARGE_BYTES), 1, 20);
    uint64_t revision = vault_revision(vault);
    vault_close(vault);
    expect_ok(vault_open(vault, (struct vault_size){MAP_BYTES, 2}));
    assert_int_equal(vault_revision(vault), revision);
    vault_expect_values(vault, "first", " kept");
    struct change change = large_account("more", LARGE_BYTES);
    expect_err(writing_submit(vault->store, &change), ERR_FULL);
    vault_close(vault);
    expect_ok(vault_open(vault, VAULT_USUAL)); // a larger map is the remedy
    expect_ok(writing_submit(vault->store, &change));
}

static void the_store_is_not_writable_until_a_commit_succeeds_again(void **state)
{
    struct vault *vault = *state;
    assert_true(store_is_writable(vault->store));
    assert_in_range(fill_up(vault, LARGE_BYTES), 1, 20);
    assert_false(store_is_writable(vault->store));
    free(vault_take_log(vault));

    expect_err(writing_update(vault->store, "missing", "x"), ERR_NOT_FOUND); // this commits nothing
    expect_err(writing_register(vault->store, "first"), ERR_EXISTS);
    assert_false(store_is_writable(vault->store));

    expect_ok(writing_update(vault->store, "first", "small"));
    assert_true(store_is_writable(vault->store));
    char *log = vault_take_log(vault);
    assert_non_null(strstr(log, " info store.recovered\n"));
    assert_null(strstr(log, "commit_failed"));
    free(log);
    vault_expect_values(vault, "first", " kept small");
}

// --- A group that does not fit as a whole ---

struct member {
    struct change change; // first: on_done gets its address
    sem_t *done;
    sem_t *hold;
};

static void on_done(struct change *change)
{
    const struct member *member = (struct member *)change;
    sem_t *hold = member->hold;
    sem_post(member->done); // from here on it may be gone
    if (hold != NULL)
        sem_wait(hold);
}

static void of_a_group_that_does_not_fit_the_small_ones_are_kept(void **state)
{
    struct vault *vault = *state;
    sem_t done, hold;
    assert_int_equal(sem_init(&done, 0, 0) | sem_init(&hold, 0, 0), 0);
    assert_in_range(fill_up(vault, LARGE_BYTES), 1, 20);
    struct change small = {.kind = CHANGE_UPDATE,
                           .account = {.username = writing_username("first"), .subdomain = bytes_of_text("first")},
                           .rdata = {(const uint8_t *)"\1a", 2}};
    struct member members[] = {
        {small, &done, &hold}, // holds the writer while the others queue
        {small, &done, NULL},
        {large_account("large-1", LARGE_BYTES), &done, NULL},
        {small, &done, NULL},
        {large_account("large-2", LARGE_BYTES), &done, NULL},
        {large_account("first", LARGE_BYTES), &done, NULL},
    };
    static const enum err results[] = {ERR_OK, ERR_OK, ERR_FULL, ERR_OK, ERR_FULL, ERR_EXISTS};
    members[1].change.rdata = (struct bytes){(const uint8_t *)"\1b", 2};
    members[3].change.rdata = (struct bytes){(const uint8_t *)"\1c", 2};
    for (size_t i = 0; i < N_OF(members); i++) {
        members[i].change.on_done = on_done;
        store_submit(vault->store, &members[i].change);
        if (i == 0)
            sem_wait(&done);
    }
    sem_post(&hold);
    for (size_t i = 1; i < N_OF(members); i++)
        sem_wait(&done);
    for (size_t i = 0; i < N_OF(members); i++)
        expect_err(members[i].change.result, results[i]);
    vault_expect_values(vault, "first", " b c");
    vault_expect_values(vault, "large-1", "-");
}

// --- A full disk ---

static void limit_files_to(rlim_t n_bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n_bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// The system refuses to let the file grow, as it does when the disk is full.
static void a_file_that_cannot_grow_refuses_writing_and_recovers(void **state)
{
    struct vault *vault = *state;
    char path[TEMPDIR_PATH_MAX];
    struct stat file;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(stat(tempdir_join(&vault->dir, "data/data.mdb", path), &file), 0);
    uint64_t revision = vault_revision(vault);
    struct change change = large_account("large", LARGE_BYTES);

    limit_files_to((rlim_t)file.st_size);
    expect_err(writing_submit(vault->store, &change), ERR_FULL);
    assert_false(store_is_writable(vault->store));
    vault_expect_values(vault, "first", " kept");
    vault_expect_values(vault, "large", "-");
    assert_int_equal(vault_revision(vault), revision);

    limit_files_to(RLIM_INFINITY);
    expect_ok(writing_submit(vault->store, &change));
    assert_true(store_is_writable(vault->store));
    vault_close(vault);
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "first", " kept");
    vault_expect_values(vault, "large", "");
    assert_int_equal(vault_revision(vault), revision + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_map_refuses_what_does_not_fit_and_keeps_the_rest, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(a_full_store_opens_again_and_is_still_full, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(the_store_is_not_writable_until_a_commit_succeeds_again, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(of_a_group_that_does_not_fit_the_small_ones_are_kept, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_grow_refuses_writing_and_recovers, open_vault, free_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

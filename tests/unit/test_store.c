// SPDX-License-Identifier: MIT
// The store as its users see it: accounts and values, refusals, revisions, snapshots, and what outlives the process.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_vault(void **state)
{
    struct vault *vault = vault_new();
    expect_ok(vault_open(vault, VAULT_USUAL));
    *state = vault;
    return 0;
}

static int free_vault(void **state)
{
    vault_free(*state);
    return 0;
}

static void what_is_not_registered_is_not_found(void **state)
{
    struct vault *vault = *state;
    struct account account;
    const struct uuid nobody = {0};
    vault_expect_values(vault, "missing", "-");
    expect_ok(store_begin(vault->reader));
    expect_err(store_find_account(vault->reader, &nobody, &account), ERR_NOT_FOUND);
    store_end(vault->reader);
}

static void a_registered_account_is_found_as_it_was_given(void **state)
{
    struct vault *vault = *state;
    struct change change = {.kind = CHANGE_REGISTER,
                            .account = {.username = {.at = {9, 8, 7}},
                                        .subdomain = bytes_of_text("sub"),
                                        .hash = bytes_of_text("a hash"),
                                        .allowfrom = {(const uint8_t *)"\12"
                                                                       "10.0.0.0/8",
                                                      11},
                                        .created_s = 1234567},
                            .now_s = 7654321};
    expect_ok(writing_submit(vault->store, &change));
    struct account found;
    expect_ok(store_begin(vault->reader));
    expect_ok(store_find_account(vault->reader, &change.account.username, &found));
    assert_memory_equal(&found.username, &change.account.username, sizeof found.username);
    assert_true(bytes_equal(found.subdomain, change.account.subdomain));
    assert_true(bytes_equal(found.hash, change.account.hash));
    assert_true(bytes_equal(found.allowfrom, change.account.allowfrom));
    assert_int_equal(found.created_s, 1234567);
    struct txt txt;
    expect_ok(store_find_txt(vault->reader, bytes_of_text("sub"), &txt));
    assert_int_equal(txt.n_values, 0);
    assert_int_equal(txt.used_s, 0);
    assert_memory_equal(&txt.username, &change.account.username, sizeof txt.username);
    store_end(vault->reader);
}

static void values_are_kept_refreshed_and_replaced(void **state)
{
    struct vault *vault = *state;
    static const struct {
        const char *update;
        const char *values;
    } rows[] = {{"a", " a"},   {"b", " a b"}, {"a", " b a"}, {"a", " b a"},
                {"c", " a c"}, {"a", " c a"}, {"d", " a d"}, {"e", " d e"}};
    expect_ok(writing_register(vault->store, "sub"));
    vault_expect_values(vault, "sub", "");
    for (size_t i = 0; i < N_OF(rows); i++) {
        expect_ok(writing_update(vault->store, "sub", rows[i].update));
        vault_expect_values(vault, "sub", rows[i].values);
    }
}

static void a_taken_subdomain_or_username_is_refused_and_nothing_is_written(void **state)
{
    struct vault *vault = *state;
    expect_ok(writing_register(vault->store, "sub"));
    expect_ok(writing_update(vault->store, "sub", "a"));
    struct change same_subdomain = {
        .kind = CHANGE_REGISTER,
        .account = {.username = writing_username("another"), .subdomain = bytes_of_text("sub")}};
    struct change same_username = {
        .kind = CHANGE_REGISTER,
        .account = {.username = writing_username("sub"), .subdomain = bytes_of_text("another")}};
    expect_err(writing_submit(vault->store, &same_subdomain), ERR_EXISTS);
    expect_err(writing_submit(vault->store, &same_username), ERR_EXISTS);
    vault_expect_values(vault, "sub", " a");
    vault_expect_values(vault, "another", "-");
    struct account account;
    expect_ok(store_begin(vault->reader));
    expect_err(store_find_account(vault->reader, &same_subdomain.account.username, &account), ERR_NOT_FOUND);
    store_end(vault->reader);
}

static void an_update_of_a_subdomain_that_is_anothers_is_not_found(void **state)
{
    struct vault *vault = *state;
    expect_ok(writing_register(vault->store, "mine"));
    expect_ok(writing_register(vault->store, "yours"));
    struct change change = {.kind = CHANGE_UPDATE,
                            .account = {.username = writing_username("mine"), .subdomain = bytes_of_text("yours")},
                            .rdata = writing_rdata("x")};
    expect_err(writing_submit(vault->store, &change), ERR_NOT_FOUND);
    expect_err(writing_update(vault->store, "missing", "x"), ERR_NOT_FOUND);
    vault_expect_values(vault, "yours", "");
    assert_int_equal(vault_revision(vault), 2);
}

static void the_revision_grows_by_one_with_each_change_and_only_then(void **state)
{
    struct vault *vault = *state;
    assert_int_equal(vault_revision(vault), 0);
    expect_ok(writing_register(vault->store, "sub"));
    assert_int_equal(vault_revision(vault), 1);
    for (unsigned i = 0; i < 4; i++) {
        expect_ok(writing_update(vault->store, "sub", "same"));
        assert_int_equal(vault_revision(vault), 2 + i);
    }
    expect_err(writing_register(vault->store, "sub"), ERR_EXISTS);
    assert_int_equal(vault_revision(vault), 5);
    assert_int_equal(vault_count(vault, COUNT_changes), 5);
    assert_int_equal(vault_count(vault, COUNT_commits), 5);
}

static void a_snapshot_stays_as_it_was_until_it_is_ended(void **state)
{
    struct vault *vault = *state;
    struct txt txt;
    expect_ok(writing_register(vault->store, "sub"));
    expect_ok(writing_update(vault->store, "sub", "before"));
    expect_ok(store_begin(vault->reader));
    expect_ok(store_find_txt(vault->reader, bytes_of_text("sub"), &txt));
    for (unsigned i = 0; i < 20; i++)
        expect_ok(writing_update(vault->store, "sub", i % 2 == 0 ? "after" : "later"));
    expect_ok(writing_register(vault->store, "new"));
    assert_int_equal(store_revision(vault->reader), 2);
    assert_memory_equal(txt.rdata.at, "\0\7\6before", 9); // the view is still good
    struct txt again;
    expect_ok(store_find_txt(vault->reader, bytes_of_text("sub"), &again));
    assert_ptr_equal(again.rdata.at, txt.rdata.at);
    expect_err(store_find_txt(vault->reader, bytes_of_text("new"), &again), ERR_NOT_FOUND);
    store_end(vault->reader);
    vault_expect_values(vault, "sub", " after later");
    vault_expect_values(vault, "new", "");
    assert_int_equal(vault_revision(vault), 23);
}

static void readers_have_snapshots_of_their_own(void **state)
{
    struct vault *vault = *state;
    struct store_reader *other;
    expect_ok(store_reader_open(&other, vault->store));
    expect_ok(store_begin(other));
    expect_ok(writing_register(vault->store, "sub"));
    assert_int_equal(vault_revision(vault), 1);
    assert_int_equal(store_revision(other), 0);
    store_end(other);
    store_reader_close(other);
}

static void more_readers_than_there_is_room_for_are_refused(void **state)
{
    struct vault *vault = *state;
    struct store_reader *readers[200];
    size_t n = 0;
    enum err err = ERR_OK;
    while (n < N_OF(readers) && err == ERR_OK) {
        err = store_reader_open(&readers[n], vault->store);
        n += err == ERR_OK;
    }
    assert_int_equal(err, ERR_STORE);
    assert_true(n >= 3); // with the vault's own, what was asked for
    vault_expect_values(vault, "sub", "-");
    while (n > 0)
        store_reader_close(readers[--n]);
}

static void names_and_values_are_bytes(void **state)
{
    struct vault *vault = *state;
    static const uint8_t label[] = {0, 255, 'A', '.', 1};
    static const uint8_t rdata[] = {5, 0, 255, '"', '\n', 0};
    struct change change = {.kind = CHANGE_REGISTER,
                            .account = {.username = {.at = {1}}, .subdomain = {label, sizeof label}}};
    expect_ok(writing_submit(vault->store, &change));
    change.kind = CHANGE_UPDATE;
    change.rdata = (struct bytes){rdata, sizeof rdata};
    expect_ok(writing_submit(vault->store, &change));
    struct txt txt;
    expect_ok(store_begin(vault->reader));
    expect_ok(store_find_txt(vault->reader, change.account.subdomain, &txt));
    assert_int_equal(txt.rdata.n, 2 + sizeof rdata);
    assert_memory_equal(txt.rdata.at + 2, rdata, sizeof rdata);
    expect_err(store_find_txt(vault->reader, (struct bytes){label, 1}, &txt), ERR_NOT_FOUND);
    store_end(vault->reader);
}

static void all_of_it_is_there_after_opening_again(void **state)
{
    struct vault *vault = *state;
    expect_ok(writing_register(vault->store, "sub"));
    expect_ok(writing_update(vault->store, "sub", "a"));
    expect_ok(writing_update(vault->store, "sub", "b"));
    expect_ok(writing_register(vault->store, "empty"));
    for (unsigned i = 0; i < 3; i++) {
        vault_close(vault);
        expect_ok(vault_open(vault, VAULT_USUAL));
        vault_expect_values(vault, "sub", " a b");
        vault_expect_values(vault, "empty", "");
        assert_int_equal(vault_revision(vault), 4);
    }
    expect_ok(writing_update(vault->store, "sub", "c"));
    vault_expect_values(vault, "sub", " b c");
    assert_int_equal(vault_revision(vault), 5);
}

static void another_number_of_values_counts_from_the_next_update_on(void **state)
{
    struct vault *vault = *state;
    vault_close(vault);
    expect_ok(vault_open(vault, (struct vault_size){1 << 20, 4}));
    expect_ok(writing_register(vault->store, "sub"));
    for (const char *const *value = (const char *const[]){"a", "b", "c", "d", "e", NULL}; *value != NULL; value++)
        expect_ok(writing_update(vault->store, "sub", *value));
    vault_expect_values(vault, "sub", " b c d e");
    vault_close(vault);
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "sub", " b c d e");
    expect_ok(writing_update(vault->store, "sub", "f"));
    vault_expect_values(vault, "sub", " e f");
}

// What was acknowledged is there although the process was killed with a snapshot open; its read slot is freed.
static void what_was_acknowledged_outlives_a_killed_process(void **state)
{
    struct vault *vault = *state;
    vault_close(vault);
    for (unsigned i = 0; i < 3; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            bool is_well = vault_open(vault, VAULT_USUAL) == ERR_OK;
            is_well = is_well && (i > 0 || writing_register(vault->store, "sub") == ERR_OK);
            is_well = is_well && store_begin(vault->reader) == ERR_OK;
            is_well = is_well && writing_update(vault->store, "sub", (const char *const[]){"a", "b", "c"}[i]) == ERR_OK;
            raise(is_well ? SIGKILL : SIGTERM);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "sub", " b c");
    assert_int_equal(vault_revision(vault), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_registered_is_not_found, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_registered_account_is_found_as_it_was_given, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(values_are_kept_refreshed_and_replaced, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_taken_subdomain_or_username_is_refused_and_nothing_is_written, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(an_update_of_a_subdomain_that_is_anothers_is_not_found, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(the_revision_grows_by_one_with_each_change_and_only_then, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(a_snapshot_stays_as_it_was_until_it_is_ended, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(readers_have_snapshots_of_their_own, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(more_readers_than_there_is_room_for_are_refused, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(names_and_values_are_bytes, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(all_of_it_is_there_after_opening_again, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(another_number_of_values_counts_from_the_next_update_on, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(what_was_acknowledged_outlives_a_killed_process, open_vault, free_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

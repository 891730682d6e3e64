// SPDX-License-Identifier: MIT
// What can be done to an account besides updating it, and all accounts at once: bringing them in and walking over them.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <stdio.h>

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

static struct change change_of(enum change_kind kind, const char *subdomain)
{
    return (struct change){.kind = kind,
                           .account = {.username = writing_username(subdomain), .subdomain = bytes_of_text(subdomain)}};
}

// --- One account; its bytes are copied, as the snapshot ends.

struct held {
    struct account account;
    char space[4][256];
};

static struct bytes hold(struct bytes bytes, char *space)
{
    assert_true(bytes.n < 256);
    if (bytes.n > 0)
        memcpy(space, bytes.at, bytes.n);
    return (struct bytes){(const uint8_t *)space, bytes.n};
}

static void read_account(struct vault *vault, const char *subdomain, struct held *held)
{
    const struct uuid username = writing_username(subdomain);
    expect_ok(store_begin(vault->reader));
    expect_ok(store_find_account(vault->reader, &username, &held->account));
    held->account.subdomain = hold(held->account.subdomain, held->space[0]);
    held->account.hash = hold(held->account.hash, held->space[1]);
    held->account.allowfrom = hold(held->account.allowfrom, held->space[2]);
    held->account.note = hold(held->account.note, held->space[3]);
    store_end(vault->reader);
}

static enum err set_account(struct vault *vault, const struct account *before, const struct account *after)
{
    struct change change = {.kind = CHANGE_ACCOUNT, .account = *after, .before = before};
    return writing_submit(vault->store, &change);
}

static bool is_withheld(struct vault *vault, const char *subdomain)
{
    struct txt txt;
    expect_ok(store_begin(vault->reader));
    expect_ok(store_find_txt(vault->reader, bytes_of_text(subdomain), &txt));
    bool result = txt.is_withheld;
    store_end(vault->reader);
    return result;
}

static void all_of_an_account_but_its_names_can_be_changed(void **state)
{
    struct vault *vault = *state;
    struct held before, after;
    expect_ok(writing_register(vault->store, "sub"));
    read_account(vault, "sub", &before);
    struct account wanted = before.account;
    wanted.hash = bytes_of_text("another");
    wanted.allowfrom = bytes_of_text("\12"
                                     "10.0.0.0/8");
    wanted.note = bytes_of_text("für Käte");
    expect_ok(set_account(vault, &before.account, &wanted));
    read_account(vault, "sub", &after);
    assert_true(account_equal(&after.account, &wanted));
    expect_ok(set_account(vault, &before.account, &wanted)); // once more, as after an answer that was lost
}

static void who_has_not_read_what_is_there_cannot_change_it(void **state)
{
    struct vault *vault = *state;
    struct held before;
    expect_ok(writing_register(vault->store, "sub"));
    read_account(vault, "sub", &before);
    struct account first = before.account, second = before.account;
    first.note = bytes_of_text("first");
    second.note = bytes_of_text("second");
    expect_ok(set_account(vault, &before.account, &first));
    expect_err(set_account(vault, &before.account, &second), ERR_CONFLICT);
    expect_ok(set_account(vault, &first, &second));
    struct change missing = change_of(CHANGE_ACCOUNT, "missing");
    missing.before = &missing.account;
    expect_err(writing_submit(vault->store, &missing), ERR_NOT_FOUND);
}

static void a_disabled_account_keeps_its_values_to_itself_and_takes_none(void **state)
{
    struct vault *vault = *state;
    struct held before;
    expect_ok(writing_register(vault->store, "sub"));
    expect_ok(writing_update(vault->store, "sub", "a"));
    read_account(vault, "sub", &before);
    struct account disabled = before.account;
    disabled.is_disabled = true;
    expect_ok(set_account(vault, &before.account, &disabled));
    assert_true(is_withheld(vault, "sub"));
    expect_err(writing_update(vault->store, "sub", "b"), ERR_DISABLED);
    expect_ok(set_account(vault, &disabled, &before.account));
    assert_false(is_withheld(vault, "sub"));
    vault_expect_values(vault, "sub", " a");
    expect_ok(writing_update(vault->store, "sub", "b"));
}

static void values_are_cleared_and_the_time_of_the_last_use_stays(void **state)
{
    struct vault *vault = *state;
    struct txt txt;
    expect_ok(writing_register(vault->store, "sub"));
    expect_ok(writing_register(vault->store, "another"));
    expect_ok(writing_update(vault->store, "sub", "a"));
    struct change clear = change_of(CHANGE_CLEAR, "sub");
    expect_ok(writing_submit(vault->store, &clear));
    expect_ok(writing_submit(vault->store, &clear));
    vault_expect_values(vault, "sub", "");
    expect_ok(store_begin(vault->reader));
    expect_ok(store_find_txt(vault->reader, bytes_of_text("sub"), &txt));
    assert_true(txt.used_s > 0);
    store_end(vault->reader);
    clear.account.username = writing_username("another");
    expect_err(writing_submit(vault->store, &clear), ERR_NOT_FOUND);
}

static void a_deleted_account_leaves_nothing_and_its_names_are_free(void **state)
{
    struct vault *vault = *state;
    expect_ok(writing_register(vault->store, "sub"));
    expect_ok(writing_register(vault->store, "another"));
    struct change delete = change_of(CHANGE_DELETE, "sub");
    delete.account.username = writing_username("another");
    expect_err(writing_submit(vault->store, &delete), ERR_NOT_FOUND);
    delete.account.username = writing_username("sub");
    expect_ok(writing_submit(vault->store, &delete));
    expect_ok(writing_submit(vault->store, &delete));
    vault_expect_values(vault, "sub", "-");
    vault_expect_values(vault, "another", "");
    expect_err(writing_update(vault->store, "sub", "x"), ERR_NOT_FOUND);
    expect_ok(writing_register(vault->store, "sub"));
}

static void an_update_can_bring_a_new_hash(void **state)
{
    struct vault *vault = *state;
    struct held held;
    expect_ok(writing_register(vault->store, "sub"));
    struct change update = change_of(CHANGE_UPDATE, "sub");
    update.rdata = writing_rdata("a");
    update.account.hash = bytes_of_text("somebody else's");
    update.new_hash = bytes_of_text("new");
    expect_ok(writing_submit(vault->store, &update));
    read_account(vault, "sub", &held);
    assert_true(bytes_equal(held.account.hash, bytes_of_text("$argon2id$of-nobody")));
    update.account.hash = held.account.hash;
    update.rdata = writing_rdata("b");
    expect_ok(writing_submit(vault->store, &update));
    read_account(vault, "sub", &held);
    assert_true(bytes_equal(held.account.hash, bytes_of_text("new")));
    vault_expect_values(vault, "sub", " a b");
}

static void the_same_registration_is_done_already_and_another_is_refused(void **state)
{
    struct vault *vault = *state;
    struct change change = change_of(CHANGE_REGISTER, "sub");
    expect_ok(writing_submit(vault->store, &change));
    expect_ok(writing_update(vault->store, "sub", "a"));
    expect_ok(writing_submit(vault->store, &change));
    vault_expect_values(vault, "sub", " a");
    change.account.note = bytes_of_text("x");
    expect_err(writing_submit(vault->store, &change), ERR_EXISTS);
}

// --- All of them

struct source {
    unsigned n, at;
    unsigned fails_at; // 0: never
    char subdomain[32];
    unsigned fates[4];
};

// Subdomains come in the order of their numbers turned around, so not sorted.
static void write_name(unsigned i, char *name)
{
    snprintf(name, 32, "%u%u%u-%u", i % 10, i / 10 % 10, i / 100, i);
}

static enum err next(void *context, struct store_entry *entry)
{
    struct source *source = context;
    if (source->fails_at > 0 && source->at == source->fails_at)
        return ERR_SYNTAX;
    if (source->at == source->n)
        return ERR_NOT_FOUND;
    write_name(source->at++, source->subdomain);
    *entry = (struct store_entry){
        .account = {.username = writing_username(source->subdomain),
                    .subdomain = bytes_of_text(source->subdomain),
                    .hash = bytes_of_text("$2a$10$hash"),
                    .note = bytes_of_text(source->at % 2 ? "" : "note"),
                    .is_disabled = source->at % 3 == 0},
        .txt = {.n_values = 1,
                .rdata = {(const uint8_t *)"\0\2\1v", 4},
                .times = {(const uint8_t *)"\0\0\0\0\0\0\0\1", 8},
                .used_s = 7},
    };
    return ERR_OK;
}

static void on_fate(void *context, const struct store_entry *entry, enum import_fate fate)
{
    struct source *source = context;
    assert_true(bytes_equal(entry->account.subdomain, bytes_of_text(source->subdomain)));
    source->fates[fate]++;
}

static enum err import(struct vault *vault, struct source *source, bool is_trial)
{
    const struct store_import options = {next, on_fate, source, is_trial};
    return store_import(vault->store, &options);
}

static bool on_entry(void *context, const struct store_entry *entry)
{
    struct source *walked = context;
    static struct uuid last;
    expect_ok(entry->err);
    if (walked->at > 0)
        assert_true(memcmp(last.at, entry->account.username.at, sizeof last.at) < 0);
    last = entry->account.username;
    assert_int_equal(entry->txt.is_withheld, entry->account.is_disabled);
    return ++walked->at != walked->n;
}

static unsigned walk(struct vault *vault, unsigned at_most)
{
    struct source walked = {.n = at_most};
    uint64_t n;
    expect_ok(store_begin(vault->reader));
    expect_ok(store_each(vault->reader, on_entry, &walked));
    expect_ok(store_count(vault->reader, &n));
    store_end(vault->reader);
    assert_int_equal(walked.at, n < at_most || at_most == 0 ? n : at_most);
    return walked.at;
}

static void accounts_are_brought_in_once_and_walked_over(void **state)
{
    struct vault *vault = *state;
    assert_int_equal(walk(vault, 0), 0);
    struct source first = {.n = 700};
    expect_ok(import(vault, &first, false));
    assert_int_equal(first.fates[IMPORT_NEW], 700);
    assert_int_equal(vault_revision(vault), 700);
    assert_int_equal(walk(vault, 0), 700);
    assert_int_equal(walk(vault, 10), 10);
    char name[32];
    write_name(123, name);
    vault_expect_values(vault, name, " v");
    struct source second = {.n = 700};
    expect_ok(import(vault, &second, false));
    assert_int_equal(second.fates[IMPORT_SAME], 700);
    assert_int_equal(vault_revision(vault), 700);
}

static void an_import_that_fails_or_is_a_trial_leaves_nothing(void **state)
{
    struct vault *vault = *state;
    struct source failing = {.n = 500, .fails_at = 400};
    expect_err(import(vault, &failing, false), ERR_SYNTAX);
    assert_int_equal(walk(vault, 0), 0);
    struct source trial = {.n = 500};
    expect_ok(import(vault, &trial, true));
    assert_int_equal(trial.fates[IMPORT_NEW], 500);
    assert_int_equal(walk(vault, 0), 0);
    assert_int_equal(vault_revision(vault), 0);
    expect_ok(writing_register(vault->store, "sub")); // the writer was not held up for good
}

static void what_is_there_already_stays_as_it_is(void **state)
{
    struct vault *vault = *state;
    char name[32], taken[32];
    write_name(5, name);
    write_name(6, taken);
    expect_ok(writing_register(vault->store, name));
    struct change other = {.kind = CHANGE_REGISTER,
                           .account = {.username = writing_username("other"), .subdomain = bytes_of_text(taken)}};
    expect_ok(writing_submit(vault->store, &other));
    struct source source = {.n = 20};
    expect_ok(import(vault, &source, false));
    assert_int_equal(source.fates[IMPORT_NEW], 18);
    assert_int_equal(source.fates[IMPORT_DIFFERS], 1);
    assert_int_equal(source.fates[IMPORT_TAKEN], 1);
    vault_expect_values(vault, name, "");
    vault_expect_values(vault, taken, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_an_account_but_its_names_can_be_changed, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(who_has_not_read_what_is_there_cannot_change_it, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_disabled_account_keeps_its_values_to_itself_and_takes_none, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(values_are_cleared_and_the_time_of_the_last_use_stays, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_deleted_account_leaves_nothing_and_its_names_are_free, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(an_update_can_bring_a_new_hash, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(the_same_registration_is_done_already_and_another_is_refused, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(accounts_are_brought_in_once_and_walked_over, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(an_import_that_fails_or_is_a_trial_leaves_nothing, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(what_is_there_already_stays_as_it_is, open_vault, free_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

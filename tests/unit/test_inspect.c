// SPDX-License-Identifier: MIT
// What a walk over a store finds: each record is spoilt by hand, and is named, and nothing else is.
#include "image.h"

#include "edit.h"
#include "entry.h"
#include "expect.h"
#include "vault.h"

#include <stdio.h>
#include <stdlib.h>

static const struct uuid USERS[] = {{.at = {1}}, {.at = {2}}, {.at = {3}}};
static const char *const NAMES[] = {"abc", "def", "ghi"};

struct raw {
    struct env env;
    struct edit edit;
};

static void put(struct raw *raw, enum env_table table, struct bytes key, struct bytes record)
{
    assert_int_equal(edit_put(&raw->edit, table, key, record), ERR_OK);
}

static void drop(struct raw *raw, enum env_table table, struct bytes key)
{
    assert_int_equal(edit_delete(&raw->edit, table, key), ERR_OK);
}

static void put_account(struct raw *raw, unsigned nth, const struct account *account)
{
    uint8_t space[512];
    struct writer w = writer_of(space, sizeof space);
    record_write_account(&w, account);
    put(raw, ENV_ACCOUNTS, (struct bytes){USERS[nth].at, 16}, (struct bytes){space, writer_used(&w)});
}

static void put_values(struct raw *raw, const char *name, const struct txt *txt)
{
    uint8_t space[512];
    struct writer w = writer_of(space, sizeof space);
    record_write_txt(&w, txt);
    put(raw, ENV_VALUES, bytes_of_text(name), (struct bytes){space, writer_used(&w)});
}

static struct account account_of(unsigned nth)
{
    return (struct account){
        .username = USERS[nth], .subdomain = bytes_of_text(NAMES[nth]), .hash = bytes_of_text("$argon2id$")};
}

static void spoil_nothing(struct raw *) {}

static void spoil_subdomain(struct raw *raw)
{
    struct account account = account_of(0);
    account.subdomain = bytes_of_text("def");
    put_account(raw, 0, &account);
}

static void spoil_case(struct raw *raw)
{
    struct account account = account_of(0);
    account.subdomain = bytes_of_text("ABC");
    put_account(raw, 0, &account);
    put_values(raw, "ABC", &(struct txt){.username = USERS[0]});
    drop(raw, ENV_VALUES, bytes_of_text("abc"));
}

static void spoil_hash(struct raw *raw)
{
    struct account account = account_of(1);
    account.hash = bytes_of_text("plain");
    put_account(raw, 1, &account);
}

static void spoil_networks(struct raw *raw)
{
    struct account account = account_of(1);
    account.allowfrom = bytes_of_text("\3all");
    put_account(raw, 1, &account);
}

static void spoil_record(struct raw *raw)
{
    put(raw, ENV_ACCOUNTS, (struct bytes){USERS[2].at, 16}, bytes_of_text("\7junk"));
}

static void spoil_values(struct raw *raw)
{
    put(raw, ENV_VALUES, bytes_of_text("ghi"), bytes_of_text("\7junk"));
}

static void spoil_text(struct raw *raw)
{
    put_values(raw, "ghi",
               &(struct txt){.username = USERS[2],
                             .n_values = 1,
                             .rdata = {(const uint8_t *)"\0\3\5ab", 5},
                             .times = {(const uint8_t *)"\0\0\0\0\0\0\0\1", 8}});
}

static void spoil_disabled(struct raw *raw)
{
    put_values(raw, "ghi", &(struct txt){.username = USERS[2], .is_withheld = true});
}

static void lose_values(struct raw *raw)
{
    drop(raw, ENV_VALUES, bytes_of_text("def"));
}

static void lose_account(struct raw *raw)
{
    drop(raw, ENV_ACCOUNTS, (struct bytes){USERS[1].at, 16});
}

static void add_key(struct raw *raw)
{
    put(raw, ENV_ACCOUNTS, bytes_of_text("zz"), bytes_of_text("x"));
}

// As a disk does it: behind the seal's back.
static void damage(struct raw *raw)
{
    MDB_val key = {16, (void *)(uintptr_t)USERS[2].at}, record;
    assert_int_equal(mdb_get(raw->edit.txn, raw->env.tables[ENV_ACCOUNTS], &key, &record), 0);
    uint8_t space[512];
    memcpy(space, record.mv_data, record.mv_size);
    space[record.mv_size / 2] ^= 1;
    record.mv_data = space;
    assert_int_equal(mdb_put(raw->edit.txn, raw->env.tables[ENV_ACCOUNTS], &key, &record, 0), 0);
}

static void on_problem(void *context, const char *text)
{
    char *all = context;
    size_t n = strlen(all);
    snprintf(all + n, 1000 - n, "%s; ", text);
}

// A store with three accounts, spoilt, then looked at.
static void expect_found(void (*spoil)(struct raw *), const char *wanted, size_t n_problems)
{
    struct vault *vault = vault_new();
    struct raw raw;
    struct image_report report;
    char place[TEMPDIR_PATH_MAX], why[IMAGE_WHY_MAX], all[1000] = "";
    const struct store_options options = {
        .directory = tempdir_join(&vault->dir, "data", place), .map_bytes = 1 << 20, .n_readers = 4, .log = vault->log};
    expect_ok(env_open(&raw.env, &options));
    expect_ok(edit_begin(&raw.edit, &raw.env));
    for (unsigned i = 0; i < N_OF(USERS); i++) {
        const struct account account = account_of(i);
        put_account(&raw, i, &account);
        put_values(&raw, NAMES[i], &(struct txt){.username = USERS[i]});
    }
    spoil(&raw);
    expect_ok(edit_commit(&raw.edit));
    env_close(&raw.env);
    expect_ok(image_verify(place, (struct image_sink){on_problem, all}, &report, why));
    if (strstr(all, wanted) == NULL || report.n_problems != n_problems)
        fail_msg("\"%s\" (%zu problems) is not \"%s\" (%zu)", all, (size_t)report.n_problems, wanted, n_problems);
    vault_free(vault);
}

static void each_kind_of_damage_is_named(void **)
{
    static const struct {
        void (*spoil)(struct raw *raw);
        const char *wanted;
        size_t n_problems;
    } cases[] = {
        {spoil_nothing, "", 0},
        {spoil_subdomain, "account 01000000-0000-0000-0000-000000000000: its subdomain def is another account's", 2},
        {spoil_case, "its subdomain is misshapen", 2},
        {spoil_hash, "account 02000000-0000-0000-0000-000000000000: its password hash is misshapen", 1},
        {spoil_networks, "its networks are misshapen", 1},
        {spoil_record, "account 03000000-0000-0000-0000-000000000000: its record does not decode", 1},
        {damage, "account 03000000-0000-0000-0000-000000000000: its record is damaged", 1},
        {spoil_values, "values of ghi: their record does not decode", 1},
        {spoil_text, "values of ghi: they are no TXT records", 1},
        {spoil_disabled, "it is not disabled, its values are withheld", 1},
        {lose_values, "there are no values for its subdomain def", 1},
        {lose_account, "values of def: their account 02000000-0000-0000-0000-000000000000 is not there", 1},
        {add_key, "account number 4: its key is no username", 1},
    };
    for (size_t i = 0; i < N_OF(cases); i++)
        expect_found(cases[i].spoil, cases[i].wanted, cases[i].n_problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_kind_of_damage_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

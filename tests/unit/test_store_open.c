// SPDX-License-Identifier: MIT
// Opening: what is made, and what is refused with which words.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, N_ACCOUNTS = 100 };

static int new_vault(void **state)
{
    *state = vault_new();
    return 0;
}

static int free_vault(void **state)
{
    vault_free(*state);
    return 0;
}

static void expect_refusal(struct vault *vault, enum err err, const char *reason)
{
    expect_err(vault_open(vault, VAULT_USUAL), err);
    assert_null(vault->store);
    char *log = vault_take_log(vault);
    if (strstr(log, " error store.refused ") == NULL || strstr(log, reason) == NULL || strchr(log, '\n')[1] != '\0')
        fail_msg("refused with: %s", log);
    free(log);
}

static mode_t mode_of(const struct vault *vault, const char *name)
{
    char path[TEMPDIR_PATH_MAX];
    struct stat stat_;
    assert_int_equal(stat(tempdir_join(&vault->dir, name, path), &stat_), 0);
    return stat_.st_mode;
}

static void a_new_store_is_for_its_owner_alone(void **state)
{
    struct vault *vault = *state;
    mode_t before = umask(0);
    expect_ok(vault_open(vault, VAULT_USUAL));
    umask(before);
    assert_int_equal(mode_of(vault, "data"), S_IFDIR | 0700);
    assert_int_equal(mode_of(vault, "data/data.mdb"), S_IFREG | 0600);
    assert_int_equal(mode_of(vault, "data/lock.mdb"), S_IFREG | 0600);
    char *log = vault_take_log(vault);
    assert_string_equal(log, "");
    free(log);
}

static void a_folder_that_is_there_is_used_as_it_is(void **state)
{
    struct vault *vault = *state;
    char path[TEMPDIR_PATH_MAX];
    assert_int_equal(mkdir(tempdir_join(&vault->dir, "data", path), 0750), 0);
    expect_ok(vault_open(vault, VAULT_USUAL));
    assert_int_equal(mode_of(vault, "data"), S_IFDIR | 0750);
}

static void a_file_in_place_of_the_folder_is_refused(void **state)
{
    tempdir_write(&((struct vault *)*state)->dir, "data", "x", 1);
    expect_refusal(*state, ERR_STORE, "Not a directory");
}

static void a_folder_in_a_folder_that_is_missing_is_refused(void **state)
{
    struct vault *vault = *state;
    struct store *store = NULL;
    char path[TEMPDIR_PATH_MAX];
    const struct store_options options = {.directory = tempdir_join(&vault->dir, "no/data", path),
                                          .map_bytes = 1 << 20,
                                          .n_values = 2,
                                          .n_readers = 1,
                                          .log = vault->log};
    expect_err(store_open(&store, &options), ERR_SYSTEM);
    assert_null(store);
    char *log = vault_take_log(vault);
    assert_non_null(strstr(log, "No such file or directory"));
    free(log);
}

static void garbage_is_refused(void **state)
{
    struct vault *vault = *state;
    char path[TEMPDIR_PATH_MAX];
    assert_int_equal(mkdir(tempdir_join(&vault->dir, "data", path), 0700), 0);
    static char garbage[4 * PAGE];
    static const size_t lengths[] = {1, 100, PAGE, 2 * PAGE, 4 * PAGE};
    static const char fills[] = {'\0', 'x', '\377'};
    for (size_t i = 0; i < N_OF(lengths) * N_OF(fills); i++) {
        memset(garbage, fills[i % N_OF(fills)], sizeof garbage);
        tempdir_write(&vault->dir, "data/data.mdb", garbage, lengths[i / N_OF(fills)]);
        expect_refusal(vault, ERR_CORRUPT, "MDB_INVALID");
    }
}

static void fill(struct vault *vault)
{
    char name[32];
    expect_ok(vault_open(vault, VAULT_USUAL));
    for (unsigned i = 0; i < N_ACCOUNTS; i++) {
        snprintf(name, sizeof name, "account-%u", i);
        expect_ok(writing_register(vault->store, name));
        expect_ok(writing_update(vault->store, name, "value"));
    }
    vault_close(vault);
}

static bool is_refused(struct vault *vault, const char *reason)
{
    enum err err = vault_open(vault, VAULT_USUAL);
    char *log = vault_take_log(vault);
    bool is_told = strstr(log, "store.refused") != NULL && strstr(log, reason) != NULL;
    if (err == ERR_OK ? log[0] != '\0' : err != ERR_CORRUPT || !is_told)
        fail_msg("\"%s\", and logged: %s", err_text(err), log);
    free(log);
    return err != ERR_OK;
}

static void expect_all(struct vault *vault)
{
    char name[32];
    for (unsigned i = 0; i < N_ACCOUNTS; i++) {
        snprintf(name, sizeof name, "account-%u", i);
        vault_expect_values(vault, name, " value");
    }
}

// A look past the end of a mapped file would end the process. What was cut off may have been free pages only: then
// nothing is missing.
static void a_truncated_store_is_refused_or_misses_nothing(void **state)
{
    struct vault *vault = *state;
    size_t n, n_refused = 0, n_cuts = 0;
    fill(vault);
    char *whole = tempdir_read(&vault->dir, "data/data.mdb", &n);
    assert_true(n > 8 * PAGE);
    for (size_t cut = 1; cut < n; cut += PAGE / 2 + 1, n_cuts++) {
        tempdir_write(&vault->dir, "data/data.mdb", whole, cut);
        if (is_refused(vault, cut < PAGE + 100 ? "MDB_INVALID" : "shorter than its header says")) {
            n_refused++;
            continue;
        }
        expect_all(vault);
        vault_close(vault);
    }
    assert_in_range(n_refused, n_cuts * 3 / 4, n_cuts);
    tempdir_write(&vault->dir, "data/data.mdb", whole, n);
    expect_ok(vault_open(vault, VAULT_USUAL));
    expect_all(vault);
    free(whole);
}

// The tables of a closed store, open for a change with LMDB's own functions.
struct raw {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi meta;
};

static struct raw raw_open(const struct vault *vault)
{
    struct raw raw;
    char path[TEMPDIR_PATH_MAX];
    assert_int_equal(mdb_env_create(&raw.env), 0);
    assert_int_equal(mdb_env_set_maxdbs(raw.env, 3), 0);
    assert_int_equal(mdb_env_open(raw.env, tempdir_join(&vault->dir, "data", path), 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(raw.env, NULL, 0, &raw.txn), 0);
    assert_int_equal(mdb_dbi_open(raw.txn, "meta", 0, &raw.meta), 0);
    return raw;
}

static void raw_close(struct raw *raw, MDB_envinfo *info)
{
    assert_int_equal(mdb_txn_commit(raw->txn), 0);
    assert_int_equal(mdb_env_info(raw->env, info), 0);
    mdb_env_close(raw->env);
}

// LMDB does not write pages at the end that were taken and given back within one transaction.
static void a_file_that_is_rightly_shorter_than_its_header_says_is_opened(void **state)
{
    struct vault *vault = *state;
    static uint8_t large[20 * PAGE];
    char path[TEMPDIR_PATH_MAX];
    struct stat file;
    MDB_envinfo info;
    fill(vault);
    struct raw raw = raw_open(vault);
    MDB_val key = {7, (void *)(uintptr_t) "scratch"}, data = {sizeof large, large};
    assert_int_equal(mdb_put(raw.txn, raw.meta, &key, &data, 0), 0);
    assert_int_equal(mdb_del(raw.txn, raw.meta, &key, NULL), 0);
    raw_close(&raw, &info);
    assert_int_equal(stat(tempdir_join(&vault->dir, "data/data.mdb", path), &file), 0);
    assert_true((size_t)file.st_size < (info.me_last_pgno + 1) * PAGE);

    expect_ok(vault_open(vault, VAULT_USUAL));
    expect_all(vault);
    expect_ok(writing_register(vault->store, "another"));
    vault_close(vault);
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "another", "");
}

// --- Formats ---

// Writes a number, or anything, as the format of a closed store.
static void set_format(const struct vault *vault, const void *format, size_t n)
{
    MDB_envinfo info;
    MDB_val key = {6, (void *)(uintptr_t) "format"}, data = {n, (void *)(uintptr_t)format};
    struct raw raw = raw_open(vault);
    assert_int_equal(mdb_put(raw.txn, raw.meta, &key, &data, 0), 0);
    raw_close(&raw, &info);
}

static void a_store_of_another_format_is_refused_and_left_alone(void **state)
{
    struct vault *vault = *state;
    fill(vault);
    set_format(vault, "\0\0\0\0\0\0\0\3", 8);
    expect_refusal(vault, ERR_NEWER, "its format is 3, this program knows 2");
    set_format(vault, "\377\377\377\377\377\377\377\377", 8);
    expect_refusal(vault, ERR_NEWER, "its format is 18446744073709551615");
    set_format(vault, "\0\0\0\0\0\0\0\1", 8);
    expect_refusal(vault, ERR_CORRUPT, "its format is 1");
    set_format(vault, "\0\0\0\0\0\0\0\2", 8);
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "account-0", " value");
    assert_int_equal(vault_revision(vault), 200);
}

static void a_format_that_is_no_number_is_refused(void **state)
{
    struct vault *vault = *state;
    fill(vault);
    set_format(vault, "\0\0\0\1", 4);
    expect_refusal(vault, ERR_CORRUPT, "format");
    set_format(vault, "\0\0\0\0\0\0\0\1\0", 9);
    expect_refusal(vault, ERR_CORRUPT, "format");
}

// LMDB's own version stands in both header pages, behind the page's header and the magic number.
static void a_file_of_a_newer_lmdb_is_refused(void **state)
{
    struct vault *vault = *state;
    size_t n;
    fill(vault);
    char *whole = tempdir_read(&vault->dir, "data/data.mdb", &n);
    for (size_t page = 0; page < 2 * PAGE; page += PAGE)
        memcpy(whole + page + 20, &(uint32_t){999}, 4);
    tempdir_write(&vault->dir, "data/data.mdb", whole, n);
    expect_refusal(vault, ERR_NEWER, "MDB_VERSION_MISMATCH");
    free(whole);
}

// --- Size ---

static void a_map_smaller_than_the_store_still_opens_it(void **state)
{
    struct vault *vault = *state;
    fill(vault);
    expect_ok(vault_open(vault, (struct vault_size){2 * PAGE, 2}));
    vault_expect_values(vault, "account-50", " value");
}

static void a_refused_store_leaves_no_descriptor_behind(void **state)
{
    struct vault *vault = *state;
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    tempdir_write(&vault->dir, "data", "x", 1);
    expect_refusal(vault, ERR_STORE, "Not a directory");
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(after, before + 1);
    close(before);
    close(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_store_is_for_its_owner_alone, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_folder_that_is_there_is_used_as_it_is, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_file_in_place_of_the_folder_is_refused, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_folder_in_a_folder_that_is_missing_is_refused, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(garbage_is_refused, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_truncated_store_is_refused_or_misses_nothing, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_file_that_is_rightly_shorter_than_its_header_says_is_opened, new_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(a_store_of_another_format_is_refused_and_left_alone, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_format_that_is_no_number_is_refused, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_file_of_a_newer_lmdb_is_refused, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_map_smaller_than_the_store_still_opens_it, new_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_refused_store_leaves_no_descriptor_behind, new_vault, free_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

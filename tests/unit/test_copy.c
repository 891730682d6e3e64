// SPDX-License-Identifier: MIT
// A replica's copy: events and snapshots become records, the revision goes with them or not at all, and the copy knows
// whose it is.
#include "copy.h"

#include "expect.h"
#include "tempdir.h"

#include <stdio.h>
#include <stdlib.h>

struct shelf {
    struct tempdir dir;
    struct log *log;
    struct env env;
    struct copy copy;
};

static enum err open_env(struct shelf *shelf, bool is_replica)
{
    static const struct store_cluster cluster = {.prefix = "/p"};
    char path[TEMPDIR_PATH_MAX];
    const struct store_options options = {.cluster = is_replica ? &cluster : NULL,
                                          .directory = tempdir_join(&shelf->dir, "copy", path),
                                          .map_bytes = 4 << 20,
                                          .n_values = 2,
                                          .n_readers = 2,
                                          .log = shelf->log};
    return env_open(&shelf->env, &options);
}

static int open_shelf(void **state)
{
    struct shelf *shelf = calloc(1, sizeof *shelf);
    char path[TEMPDIR_PATH_MAX];
    assert_non_null(shelf);
    tempdir_make(&shelf->dir);
    expect_ok(log_open(&shelf->log,
                       &(struct log_options){.level = LOG_DEBUG, .file = tempdir_join(&shelf->dir, "log", path)}));
    log_ready(shelf->log);
    expect_ok(open_env(shelf, true));
    expect_ok(copy_open(&shelf->copy, &shelf->env, "/p"));
    *state = shelf;
    return 0;
}

static void reopen(struct shelf *shelf, const char *prefix)
{
    copy_close(&shelf->copy);
    env_close(&shelf->env);
    expect_ok(open_env(shelf, true));
    expect_ok(copy_open(&shelf->copy, &shelf->env, prefix));
}

static int close_shelf(void **state)
{
    struct shelf *shelf = *state;
    copy_close(&shelf->copy);
    env_close(&shelf->env);
    log_close(shelf->log);
    tempdir_remove(&shelf->dir);
    free(shelf);
    return 0;
}

static struct key key_of(const char *name)
{
    struct key key = {.kind = KEY_VALUE, .name = bytes_of_text(name)};
    if (name[0] == '@') { // an account
        key.kind = KEY_ACCOUNT;
        memcpy(key.username.at, name + 1, strlen(name + 1));
    }
    return key;
}

static void put(struct shelf *shelf, const char *name, const char *record)
{
    struct key key = key_of(name);
    expect_ok(copy_put(&shelf->copy, &key, bytes_of_text(record)));
}

static void drop(struct shelf *shelf, const char *name)
{
    struct key key = key_of(name);
    expect_ok(copy_delete(&shelf->copy, &key));
}

static void write_table(FILE *out, MDB_txn *txn, MDB_dbi table, const char *mark)
{
    MDB_cursor *cursor;
    MDB_val name, record;
    assert_int_equal(mdb_cursor_open(txn, table, &cursor), 0);
    while (mdb_cursor_get(cursor, &name, &record, MDB_NEXT) == 0)
        fprintf(out, "%s%.*s=%.*s ", mark, (int)strnlen(name.mv_data, name.mv_size), (const char *)name.mv_data,
                (int)(record.mv_size - RECORD_SEAL_BYTES), (const char *)record.mv_data);
    mdb_cursor_close(cursor);
}

// All that readers see: "@ACCOUNT=RECORD NAME=RECORD ".
static void expect_content(struct shelf *shelf, const char *wanted)
{
    char *text = NULL;
    size_t n;
    MDB_txn *txn;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    assert_int_equal(mdb_txn_begin(shelf->env.mdb, NULL, MDB_RDONLY, &txn), 0);
    write_table(out, txn, shelf->env.tables[ENV_ACCOUNTS], "@");
    write_table(out, txn, shelf->env.tables[ENV_VALUES], "");
    mdb_txn_abort(txn);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, wanted);
    free(text);
}

// Takes a snapshot that is written as expect_content has it.
static void load(struct shelf *shelf, const char *content, uint64_t revision)
{
    char name[64], record[64];
    const char *at = content;
    int n = 0;
    expect_ok(copy_merge_begin(&shelf->copy));
    for (; sscanf(at, " %63[^=]=%63[^ ] %n", name, record, &n) == 2; at += n) {
        struct key key = key_of(name);
        expect_ok(copy_merge(&shelf->copy, &key, bytes_of_text(record)));
    }
    expect_ok(copy_merge_end(&shelf->copy, 77, revision, revision - 1));
    expect_content(shelf, content);
}

static void a_new_copy_is_nobodys(void **state)
{
    struct shelf *shelf = *state;
    bool is_empty = false;
    assert_false(shelf->copy.is_loaded);
    assert_int_equal(shelf->copy.seen, 0);
    expect_ok(copy_is_empty(&shelf->copy, &is_empty));
    assert_true(is_empty);
}

static void a_snapshot_replaces_what_was_there_and_touches_only_what_differs(void **state)
{
    struct shelf *shelf = *state;
    static const char *const snapshots[] = {
        "",
        "@a=1 @b=2 x=3 y=4 ",
        "@a=1 @b=2 x=3 y=4 ",
        "@b=2 y=5 ",
        "@a=1 @b=2 @c=3 a=1 b=2 c=3 d=4 e=5 ",
        "@c=3 e=5 ",
        "@d=1 f=1 ",
        "x=1 ",
        "@a=1 ",
        "@a=1 a=1 aa=1 ab=1 b=1 ",
        "@a=1 aa=1 ",
        "",
    };
    for (size_t i = 0; i < N_OF(snapshots); i++) {
        load(shelf, snapshots[i], 10 + i);
        assert_int_equal(shelf->copy.seen, 10 + i);
    }
    load(shelf, "@a=1 a=1 b=1 ", 30);
    MDB_envinfo before, after;
    mdb_env_info(shelf->env.mdb, &before);
    load(shelf, "@a=1 a=1 b=1 ", 31);
    assert_int_equal(shelf->copy.n_dropped, 0);
    load(shelf, "@a=1 ", 32);
    assert_int_equal(shelf->copy.n_dropped, 2);
    mdb_env_info(shelf->env.mdb, &after);
    assert_int_equal(after.me_last_txnid - before.me_last_txnid, 2);
}

static void a_snapshot_tells_how_many_accounts_it_has_in_common_before_it_is_kept(void **state)
{
    struct shelf *shelf = *state;
    struct key kept = key_of("@b"), fresh = key_of("@c");
    load(shelf, "@a=1 @b=1 x=1 ", 10);
    expect_ok(copy_merge_begin(&shelf->copy));
    expect_ok(copy_merge(&shelf->copy, &kept, bytes_of_text("2")));
    expect_ok(copy_merge(&shelf->copy, &fresh, bytes_of_text("1")));
    assert_int_equal(shelf->copy.n_kept, 1);
    copy_abort(&shelf->copy);
    expect_content(shelf, "@a=1 @b=1 x=1 ");
    expect_ok(copy_merge_begin(&shelf->copy));
    expect_ok(copy_merge(&shelf->copy, &fresh, bytes_of_text("1")));
    assert_int_equal(shelf->copy.n_kept, 0);
    copy_abort(&shelf->copy);
    assert_int_equal(shelf->copy.seen, 10);
}

static void events_are_seen_with_their_revision_or_not_at_all(void **state)
{
    struct shelf *shelf = *state;
    load(shelf, "@a=1 x=1 ", 10);
    put(shelf, "x", "2");
    put(shelf, "y", "1");
    drop(shelf, "@a");
    drop(shelf, "missing");
    expect_content(shelf, "@a=1 x=1 ");
    expect_ok(copy_commit(&shelf->copy, 12, 12));
    expect_content(shelf, "x=2 y=1 ");
    put(shelf, "x", "3");
    copy_abort(&shelf->copy);
    expect_content(shelf, "x=2 y=1 ");
    assert_int_equal(shelf->copy.seen, 12);
    reopen(shelf, "/p");
    assert_true(shelf->copy.is_loaded);
    assert_int_equal(shelf->copy.seen, 12);
    assert_int_equal(shelf->copy.data_revision, 12);
    assert_int_equal(shelf->copy.cluster, 77);
}

static void announcements_alone_are_not_written(void **state)
{
    struct shelf *shelf = *state;
    MDB_envinfo before, after;
    load(shelf, "x=1 ", 10);
    mdb_env_info(shelf->env.mdb, &before);
    expect_ok(copy_commit(&shelf->copy, 15, shelf->copy.data_revision));
    mdb_env_info(shelf->env.mdb, &after);
    assert_int_equal(shelf->copy.seen, 15);
    assert_int_equal(after.me_last_txnid, before.me_last_txnid);
}

static void data_that_is_only_newer_moves_the_serial(void **state)
{
    struct shelf *shelf = *state;
    load(shelf, "x=1 ", 10);
    expect_ok(copy_commit(&shelf->copy, 15, 15)); // the key that dates the data, and nothing else
    reopen(shelf, "/p");
    assert_int_equal(shelf->copy.data_revision, 15);
}

static void a_lease_is_kept_for_the_next_process(void **state)
{
    struct shelf *shelf = *state;
    expect_ok(copy_keep_lease(&shelf->copy, 4711, "host-1"));
    reopen(shelf, "/p");
    assert_int_equal(shelf->copy.lease, 4711);
    assert_string_equal(shelf->copy.replica, "host-1");
    assert_false(shelf->copy.is_loaded);
    load(shelf, "x=1 ", 10);
    put(shelf, "x", "2");
    expect_ok(copy_keep_lease(&shelf->copy, INT64_MAX, "host-2")); // with what is gathered, not before it
    expect_content(shelf, "x=1 ");
    expect_ok(copy_commit(&shelf->copy, 11, 11));
    reopen(shelf, "/p");
    assert_int_equal(shelf->copy.lease, INT64_MAX);
    assert_string_equal(shelf->copy.replica, "host-2");
    assert_int_equal(shelf->copy.seen, 11);
    expect_content(shelf, "x=2 ");
}

static void a_copy_under_another_prefix_counts_for_nothing(void **state)
{
    struct shelf *shelf = *state;
    load(shelf, "@a=1 x=1 ", 10);
    reopen(shelf, "/q");
    assert_false(shelf->copy.is_loaded);
    load(shelf, "@b=1 ", 20);
    reopen(shelf, "/q");
    assert_true(shelf->copy.is_loaded);
}

static void values_are_found_as_they_were_committed(void **state)
{
    struct shelf *shelf = *state;
    struct bytes record;
    load(shelf, "x=1 ", 10);
    put(shelf, "x", "2");
    expect_ok(copy_find_begin(&shelf->copy));
    expect_ok(copy_find_value(&shelf->copy, bytes_of_text("x"), &record));
    assert_true(bytes_equal(record, bytes_of_text("1")));
    expect_err(copy_find_value(&shelf->copy, bytes_of_text("y"), &record), ERR_NOT_FOUND);
    copy_find_end(&shelf->copy);
}

static void a_full_copy_keeps_what_it_had(void **state)
{
    struct shelf *shelf = *state;
    static char large[1 << 20];
    enum err err = ERR_OK;
    struct key key = key_of("a");
    memset(large, 'x', sizeof large - 1);
    load(shelf, "x=1 ", 10);
    for (char name = 'a'; name <= 'z' && err == ERR_OK; name++) {
        key.name = (struct bytes){(const uint8_t *)&name, 1};
        err = copy_put(&shelf->copy, &key, bytes_of_text(large));
    }
    assert_int_equal(err, ERR_FULL);
    copy_abort(&shelf->copy);
    expect_content(shelf, "x=1 ");
    put(shelf, "x", "2");
    expect_ok(copy_commit(&shelf->copy, 11, 11));
    expect_content(shelf, "x=2 ");
}

static void a_copy_and_a_standalone_store_are_not_taken_for_each_other(void **state)
{
    struct shelf *shelf = *state;
    load(shelf, "@a=1 x=1 ", 10);
    copy_close(&shelf->copy);
    env_close(&shelf->env);
    expect_err(open_env(shelf, false), ERR_EXISTS);
    expect_ok(open_env(shelf, true));
    expect_ok(copy_open(&shelf->copy, &shelf->env, "/p"));
}

static void a_store_with_accounts_and_no_cluster_is_no_copy(void **state)
{
    struct shelf *shelf = *state;
    put(shelf, "@a", "1");
    expect_ok(copy_commit(&shelf->copy, 0, 0));
    copy_close(&shelf->copy);
    env_close(&shelf->env);
    expect_err(open_env(shelf, true), ERR_EXISTS);
    expect_ok(open_env(shelf, false));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shelf, close_shelf)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_copy_is_nobodys),
        TEST(a_snapshot_replaces_what_was_there_and_touches_only_what_differs),
        TEST(a_snapshot_tells_how_many_accounts_it_has_in_common_before_it_is_kept),
        TEST(events_are_seen_with_their_revision_or_not_at_all),
        TEST(announcements_alone_are_not_written),
        TEST(data_that_is_only_newer_moves_the_serial),
        TEST(a_lease_is_kept_for_the_next_process),
        TEST(a_copy_under_another_prefix_counts_for_nothing),
        TEST(values_are_found_as_they_were_committed),
        TEST(a_full_copy_keeps_what_it_had),
        TEST(a_copy_and_a_standalone_store_are_not_taken_for_each_other),
        TEST(a_store_with_accounts_and_no_cluster_is_no_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Look-ups of a batch are those of mdb_get: on trees of every height, with keys
// that begin alike, for keys that are not there, beside a writer, and never of
// a time before an acknowledged update.
#include "descent.h"

#include "env.h"
#include "expect.h"
#include "header.h"
#include "vault.h"
#include "writing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { KEY_MAX = 63, BIG_BYTES = 10000, N_WRITES = 400 };

static struct tempdir dir;

static int make_dir(void **state)
{
    (void)state;
    tempdir_make(&dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

// The same numbers in every run.
static unsigned random_below(unsigned n)
{
    static uint64_t seed = 1;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

// Few letters and long runs of one, so that many keys share their first eight
// bytes.
static struct bytes random_key(uint8_t space[KEY_MAX])
{
    size_t n = 1 + random_below(KEY_MAX);
    size_t n_run = random_below(3) == 0 ? 0 : random_below((unsigned)n + 1);
    for (size_t i = 0; i < n; i++)
        space[i] = i < n_run ? 'a' : (uint8_t)('a' + random_below(3));
    return (struct bytes){space, n};
}

static MDB_txn *begin(struct env *env, unsigned flags)
{
    MDB_txn *txn;
    assert_int_equal(mdb_txn_begin(env->mdb, NULL, flags, &txn), MDB_SUCCESS);
    return txn;
}

static void put(struct env *env, MDB_txn *txn, struct bytes key, size_t n_record)
{
    static uint8_t record[BIG_BYTES];
    MDB_val k = {key.n, (void *)(uintptr_t)key.at}, v = {n_record, record};
    record[0]++;
    assert_int_equal(mdb_put(txn, env->tables[ENV_VALUES], &k, &v, 0), MDB_SUCCESS);
}

static void expect_as_mdb_get(const struct env *env, MDB_txn *txn, const struct descent *descent)
{
    MDB_val key = {descent->key.n, (void *)(uintptr_t)descent->key.at}, record;
    int status = mdb_get(txn, env->tables[ENV_VALUES], &key, &record);
    expect_err(descent->err, status == MDB_SUCCESS ? ERR_OK : ERR_NOT_FOUND);
    if (status == MDB_SUCCESS) {
        assert_int_equal(descent->record.n, record.mv_size);
        assert_memory_equal(descent->record.at, record.mv_data, record.mv_size);
    }
}

// A snapshot of LMDB's, and where its values are.
static MDB_txn *begin_snapshot(struct env *env, struct pages *pages, struct page_tree *tree)
{
    MDB_txn *txn = begin(env, MDB_RDONLY);
    while (header_open(pages, env->map, env->page_bytes, mdb_txn_id(txn)) != ERR_OK) { // it was written over
        mdb_txn_reset(txn);
        assert_int_equal(mdb_txn_renew(txn), MDB_SUCCESS);
    }
    expect_ok(descent_find_tree(pages, "values", tree));
    return txn;
}

static void look_up_random_keys(struct env *env, unsigned n_batches)
{
    static uint8_t space[DESCENT_MAX][KEY_MAX];
    struct descent descents[DESCENT_MAX];
    while (n_batches-- > 0) {
        struct pages pages;
        struct page_tree tree;
        MDB_txn *txn = begin_snapshot(env, &pages, &tree);
        size_t n = 1 + random_below(DESCENT_MAX);
        for (size_t i = 0; i < n; i++)
            descents[i].key = random_key(space[i]);
        descent_find(&pages, &tree, descents, n);
        for (size_t i = 0; i < n; i++)
            expect_as_mdb_get(env, txn, &descents[i]);
        mdb_txn_abort(txn);
    }
}

static void open_env(struct env *env)
{
    const struct store_options options = {.directory = dir.path, .map_bytes = 256 << 20, .n_readers = 4};
    expect_ok(env_open(env, &options));
    assert_int_equal(mdb_env_set_flags(env->mdb, MDB_NOSYNC, 1), MDB_SUCCESS);
}

static void trees_of_every_height_are_searched_as_mdb_get_does(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 2, 3, 10, 100, 1000, 30000};
    struct env env;
    uint8_t space[KEY_MAX];
    open_env(&env);
    unsigned n_records = 0;
    for (size_t i = 0; i < N_OF(sizes); i++) {
        MDB_txn *txn = begin(&env, 0);
        for (; n_records < sizes[i]; n_records++)
            put(&env, txn, random_key(space), random_below(20) == 0 ? BIG_BYTES : 1 + random_below(500));
        assert_int_equal(mdb_txn_commit(txn), MDB_SUCCESS);
        look_up_random_keys(&env, 500);
    }
    env_close(&env);
}

static void in_an_empty_table_nothing_is_found(void **state)
{
    (void)state;
    struct env env;
    open_env(&env);
    struct pages pages;
    struct page_tree tree;
    struct bytes record;
    MDB_txn *txn = begin_snapshot(&env, &pages, &tree);
    expect_err(descent_find_one(&pages, &tree, bytes_of_text("key"), &record), ERR_NOT_FOUND);
    expect_err(descent_find_tree(&pages, "another", &tree), ERR_NOT_FOUND);
    mdb_txn_abort(txn);
    env_close(&env);
}

struct writer_thread {
    struct env *env;
    atomic_bool is_done;
};

static void write_random_keys(void *argument)
{
    struct writer_thread *self = argument;
    uint64_t seed = 7;
    for (unsigned i = 0; i < N_WRITES; i++) {
        MDB_txn *txn = begin(self->env, 0);
        uint8_t key[KEY_MAX];
        for (unsigned k = 0; k < 20; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t n = 1 + (seed >> 60);
            for (size_t at = 0; at < n; at++)
                key[at] = (uint8_t)('a' + (seed >> (20 + at)) % 3);
            put(self->env, txn, (struct bytes){key, n}, 1 + (seed >> 40) % 500);
        }
        assert_int_equal(mdb_txn_commit(txn), MDB_SUCCESS);
    }
    atomic_store(&self->is_done, true);
}

static void a_snapshot_is_searched_while_others_write(void **state)
{
    (void)state;
    struct env env;
    uv_thread_t thread;
    open_env(&env);
    struct writer_thread writer = {.env = &env};
    uint8_t space[KEY_MAX];
    MDB_txn *txn = begin(&env, 0);
    for (unsigned i = 0; i < 5000; i++)
        put(&env, txn, random_key(space), 1 + random_below(500));
    assert_int_equal(mdb_txn_commit(txn), MDB_SUCCESS);
    assert_int_equal(uv_thread_create(&thread, write_random_keys, &writer), 0);
    do
        look_up_random_keys(&env, 10);
    while (!atomic_load(&writer.is_done));
    uv_thread_join(&thread);
    env_close(&env);
}

static void an_acknowledged_update_is_what_is_found_next(void **state)
{
    (void)state;
    enum { N_NAMES = 8 };
    struct vault *vault = vault_new();
    char names[N_NAMES][8], texts[N_NAMES][16] = {0};
    struct bytes labels[N_NAMES];
    expect_ok(vault_open(vault, (struct vault_size){16 << 20, 1}));
    for (unsigned i = 0; i < N_NAMES; i++) {
        snprintf(names[i], sizeof names[i], "Name-%u", i);
        labels[i] = bytes_of_text(names[i]); // the store folds
        char folded[8];
        snprintf(folded, sizeof folded, "name-%u", i);
        expect_ok(writing_register(vault->store, folded));
    }
    for (unsigned turn = 0; turn < 200; turn++) {
        unsigned which = turn % N_NAMES;
        char folded[8];
        snprintf(folded, sizeof folded, "name-%u", which);
        snprintf(texts[which], sizeof texts[which], "text %u", turn);
        expect_ok(writing_update(vault->store, folded, texts[which]));
        expect_ok(store_begin(vault->reader));
        store_look_ahead(vault->reader, labels, N_NAMES);
        for (unsigned i = 0; i < N_NAMES; i++) {
            struct txt txt;
            snprintf(folded, sizeof folded, "name-%u", i);
            expect_ok(store_find_txt(vault->reader, bytes_of_text(folded), &txt));
            assert_int_equal(txt.n_values, texts[i][0] == '\0' ? 0 : 1);
            if (txt.n_values == 1)
                assert_memory_equal(txt.rdata.at + 3, texts[i], strlen(texts[i]));
        }
        struct txt txt;
        expect_err(store_find_txt(vault->reader, bytes_of_text("unannounced"), &txt), ERR_NOT_FOUND);
        store_end(vault->reader);
    }
    vault_free(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trees_of_every_height_are_searched_as_mdb_get_does, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(in_an_empty_table_nothing_is_found, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_snapshot_is_searched_while_others_write, make_dir, remove_dir),
        cmocka_unit_test(an_acknowledged_update_is_what_is_found_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// A transaction is begun with the first record that comes in and stays open over turns of the loop, as long as a
// snapshot or a revision that comes in pieces is not whole; readers see the state before it.
//
// A snapshot is merged rather than loaded into an empty store: both sides come in the same order, so one walk finds
// what is gone, and a record that has not changed is not written. After a compaction, which makes a replica that was
// away for long take a snapshot, hardly anything is written.
#include "copy.h"

#include "record.h"

#include <uv.h>

#define PREFIX  "prefix"
#define SEEN    "seen"
#define LEASE   "lease"
#define REPLICA "replica"

static enum err begin(struct copy *copy)
{
    return copy->txn != NULL ? ERR_OK : env_err(mdb_txn_begin(copy->env->mdb, NULL, 0, &copy->txn));
}

static enum err commit(struct copy *copy)
{
    MDB_txn *txn = copy->txn;
    copy->txn = NULL;
    uint64_t began_ns = uv_hrtime();
    enum err err = env_err(mdb_txn_commit(txn));
    if (err == ERR_OK && copy->commit_ns != NULL)
        histogram_note(copy->commit_ns, &histogram_of_ns, uv_hrtime() - began_ns, 1);
    return err;
}

void copy_abort(struct copy *copy)
{
    if (copy->txn != NULL)
        mdb_txn_abort(copy->txn);
    copy->txn = NULL;
    copy->merge_kind = KEY_OTHER;
}

// -- Opening
// ------------------------------------------------------------------------------------------------------------------

// A text of the meta table; empty when it is not there.
static enum err get_text(const struct copy *copy, const char *name, struct bytes *text)
{
    *text = (struct bytes){0};
    enum err err = env_get(copy->reader, copy->env->meta, bytes_of_text(name), text);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_text(const struct copy *copy, const char *name, const char *text)
{
    MDB_val key = {strlen(name), (void *)(uintptr_t)name}; // LMDB only reads them
    MDB_val value = {strlen(text), (void *)(uintptr_t)text};
    return env_err(mdb_put(copy->txn, copy->env->meta, &key, &value, 0));
}

static enum err read_lease(struct copy *copy)
{
    uint64_t lease = 0;
    struct bytes replica = {0};
    enum err err = env_get_number(copy->env, copy->reader, LEASE, &lease);
    if (err == ERR_OK)
        err = get_text(copy, REPLICA, &replica);
    if (err == ERR_OK && replica.n > 0 && replica.n < sizeof copy->replica) {
        copy->lease = (int64_t)lease;
        memcpy(copy->replica, replica.at, replica.n);
        copy->replica[replica.n] = 0;
    }
    return err;
}

static enum err read_place(struct copy *copy)
{
    struct bytes prefix = {0};
    enum err err = env_get_number(copy->env, copy->reader, ENV_CLUSTER, &copy->cluster);
    if (err == ERR_OK)
        err = env_get_number(copy->env, copy->reader, SEEN, &copy->seen);
    if (err == ERR_OK)
        err = env_revision(copy->env, copy->reader, &copy->data_revision);
    if (err == ERR_OK)
        err = get_text(copy, PREFIX, &prefix);
    if (err == ERR_OK)
        copy->is_loaded = copy->cluster != 0 && bytes_equal(prefix, bytes_of_text(copy->prefix));
    return err == ERR_OK ? read_lease(copy) : err;
}

enum err copy_open(struct copy *copy, const struct env *env, const char *prefix)
{
    *copy = (struct copy){.env = env, .prefix = prefix};
    enum err err = env_err(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &copy->reader));
    if (err != ERR_OK)
        return err;
    err = read_place(copy);
    mdb_txn_reset(copy->reader);
    if (err != ERR_OK)
        copy_close(copy);
    return err;
}

void copy_close(struct copy *copy)
{
    copy_abort(copy);
    if (copy->reader != NULL)
        mdb_txn_abort(copy->reader);
    copy->reader = NULL;
}

// -- Events
// ------------------------------------------------------------------------------------------------------------------

// Where a key's record lies; false: nowhere.
static bool find_place(const struct copy *copy, const struct key *key, MDB_dbi *table, MDB_val *name)
{
    bool is_account = key->kind == KEY_ACCOUNT;
    if (!is_account && key->kind != KEY_VALUE)
        return false;
    struct bytes bytes = is_account ? (struct bytes){key->username.at, sizeof key->username.at} : key->name;
    *table = is_account ? copy->env->accounts : copy->env->values;
    *name = (MDB_val){bytes.n, (void *)(uintptr_t)bytes.at}; // LMDB only reads it
    return true;
}

enum err copy_put(struct copy *copy, const struct key *key, struct bytes record)
{
    MDB_dbi table;
    MDB_val name;
    MDB_val value = {record.n, (void *)(uintptr_t)record.at};
    if (!find_place(copy, key, &table, &name))
        return ERR_OK;
    enum err err = begin(copy);
    return err == ERR_OK ? env_err(mdb_put(copy->txn, table, &name, &value, 0)) : err;
}

enum err copy_delete(struct copy *copy, const struct key *key)
{
    MDB_dbi table;
    MDB_val name;
    if (!find_place(copy, key, &table, &name))
        return ERR_OK;
    enum err err = begin(copy);
    if (err == ERR_OK)
        err = env_err(mdb_del(copy->txn, table, &name, NULL));
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err copy_commit(struct copy *copy, uint64_t seen, uint64_t data_revision)
{
    if (copy->txn != NULL || data_revision != copy->data_revision) {
        enum err err = begin(copy);
        if (err == ERR_OK)
            err = env_set_revision(copy->env, copy->txn, data_revision);
        if (err == ERR_OK)
            err = env_put_number(copy->env, copy->txn, SEEN, seen);
        if (err == ERR_OK)
            err = commit(copy);
        if (err != ERR_OK) {
            copy_abort(copy);
            return err;
        }
    }
    copy->seen = seen;
    copy->data_revision = data_revision;
    return ERR_OK;
}

enum err copy_keep_lease(struct copy *copy, int64_t lease, const char *replica)
{
    bool is_gathering = copy->txn != NULL;
    enum err err = begin(copy);
    if (err == ERR_OK)
        err = env_put_number(copy->env, copy->txn, LEASE, (uint64_t)lease);
    if (err == ERR_OK)
        err = put_text(copy, REPLICA, replica);
    if (err == ERR_OK && copy->is_loaded && !is_gathering)
        err = env_put_number(copy->env, copy->txn, SEEN, copy->seen);
    if (err == ERR_OK && !is_gathering)
        err = commit(copy);
    if (err != ERR_OK)
        copy_abort(copy);
    return err;
}

// -- Snapshots
// ------------------------------------------------------------------------------------------------------------------

// Drops what the copy has of the kind that is merged, behind the last key and in front of `next`; without `next`, up to
// the end.
static enum err drop_between(struct copy *copy, const MDB_val *next)
{
    MDB_dbi table = copy->merge_kind == KEY_ACCOUNT ? copy->env->accounts : copy->env->values;
    MDB_cursor *cursor;
    enum err err = env_err(mdb_cursor_open(copy->txn, table, &cursor));
    if (err != ERR_OK)
        return err;
    while (err == ERR_OK) {
        // The smallest key behind the last one is the last one and a zero byte.
        MDB_val at = {copy->n_merge_at, copy->merge_at};
        MDB_val record;
        err = env_err(mdb_cursor_get(cursor, &at, &record, copy->n_merge_at == 0 ? MDB_FIRST : MDB_SET_RANGE));
        if (err != ERR_OK || (next != NULL && mdb_cmp(copy->txn, table, &at, next) >= 0))
            break;
        err = env_err(mdb_cursor_del(cursor, 0));
        copy->n_dropped++;
    }
    mdb_cursor_close(cursor);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err merge_kind(struct copy *copy, enum key_kind kind)
{
    enum err err = copy->merge_kind == KEY_OTHER ? ERR_OK : drop_between(copy, NULL);
    copy->merge_kind = kind;
    copy->n_merge_at = 0;
    return err;
}

enum err copy_merge_begin(struct copy *copy)
{
    copy_abort(copy);
    copy->n_dropped = copy->n_kept = 0;
    enum err err = begin(copy);
    return err == ERR_OK ? merge_kind(copy, KEY_ACCOUNT) : err;
}

enum err copy_merge(struct copy *copy, const struct key *key, struct bytes record)
{
    MDB_dbi table;
    MDB_val name;
    struct bytes known = {0};
    if (!find_place(copy, key, &table, &name))
        return ERR_OK;
    enum err err = key->kind == copy->merge_kind ? ERR_OK : merge_kind(copy, key->kind);
    if (err == ERR_OK)
        err = drop_between(copy, &name);
    if (err != ERR_OK)
        return err;
    memcpy(copy->merge_at, name.mv_data, name.mv_size);
    copy->merge_at[name.mv_size] = 0;
    copy->n_merge_at = name.mv_size + 1;
    err = env_get(copy->txn, table, (struct bytes){name.mv_data, name.mv_size}, &known);
    if (err == ERR_OK && key->kind == KEY_ACCOUNT)
        copy->n_kept++;
    if (err == ERR_OK && bytes_equal(known, record))
        return ERR_OK;
    return err == ERR_OK || err == ERR_NOT_FOUND ? copy_put(copy, key, record) : err;
}

static enum err put_place(struct copy *copy, uint64_t cluster, uint64_t revision)
{
    enum err err = put_text(copy, PREFIX, copy->prefix);
    if (err == ERR_OK)
        err = env_put_number(copy->env, copy->txn, ENV_CLUSTER, cluster);
    if (err == ERR_OK)
        err = env_put_number(copy->env, copy->txn, SEEN, revision);
    return err;
}

enum err copy_merge_end(struct copy *copy, uint64_t cluster, uint64_t revision, uint64_t data_revision)
{
    enum err err = merge_kind(copy, copy->merge_kind == KEY_ACCOUNT ? KEY_VALUE : KEY_OTHER);
    if (err == ERR_OK && copy->merge_kind == KEY_VALUE)
        err = merge_kind(copy, KEY_OTHER);
    if (err == ERR_OK)
        err = put_place(copy, cluster, revision);
    if (err == ERR_OK)
        err = env_set_revision(copy->env, copy->txn, data_revision);
    if (err == ERR_OK)
        err = commit(copy);
    copy_abort(copy);
    if (err != ERR_OK)
        return err;
    copy->is_loaded = true;
    copy->cluster = cluster;
    copy->seen = revision;
    copy->data_revision = data_revision;
    return ERR_OK;
}

enum err copy_is_empty(struct copy *copy, bool *is_empty)
{
    MDB_stat stat;
    enum err err = copy_find_begin(copy);
    if (err != ERR_OK)
        return err;
    err = env_err(mdb_stat(copy->reader, copy->env->accounts, &stat));
    copy_find_end(copy);
    if (err == ERR_OK)
        *is_empty = stat.ms_entries == 0;
    return err;
}

// -- Reading
// ------------------------------------------------------------------------------------------------------------------

enum err copy_find_begin(struct copy *copy)
{
    return env_err(mdb_txn_renew(copy->reader));
}

void copy_find_end(struct copy *copy)
{
    mdb_txn_reset(copy->reader);
}

enum err copy_find_account(struct copy *copy, const struct uuid *username, struct bytes *record)
{
    return env_get(copy->reader, copy->env->accounts, (struct bytes){username->at, sizeof username->at}, record);
}

enum err copy_find_value(struct copy *copy, struct bytes subdomain, struct bytes *record)
{
    return env_get(copy->reader, copy->env->values, subdomain, record);
}

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

static bool is_gathering(const struct copy *copy)
{
    return copy->edit.env != NULL;
}

static enum err begin(struct copy *copy)
{
    return is_gathering(copy) ? ERR_OK : edit_begin(&copy->edit, copy->env);
}

static enum err commit(struct copy *copy)
{
    uint64_t began_ns = uv_hrtime();
    enum err err = edit_commit(&copy->edit);
    if (err == ERR_OK && copy->commit_ns != NULL)
        histogram_note(copy->commit_ns, &histogram_of_ns, uv_hrtime() - began_ns, 1);
    return err;
}

void copy_abort(struct copy *copy)
{
    edit_abort(&copy->edit);
    copy->merge_kind = KEY_OTHER;
}

// -- Opening
// ------------------------------------------------------------------------------------------------------------------

// A text of the meta table, until the next look-up in it; empty when it is not there.
static enum err get_text(struct copy *copy, const char *name, struct bytes *text)
{
    *text = (struct bytes){0};
    enum err err = snapshot_find(&copy->snapshot, ENV_META, bytes_of_text(name), text);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_text(struct copy *copy, const char *name, const char *text)
{
    return edit_put(&copy->edit, ENV_META, bytes_of_text(name), bytes_of_text(text));
}

static enum err read_lease(struct copy *copy)
{
    uint64_t lease = 0;
    struct bytes replica = {0};
    enum err err = snapshot_get_number(&copy->snapshot, LEASE, &lease);
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
    enum err err = snapshot_get_number(&copy->snapshot, ENV_CLUSTER, &copy->cluster);
    if (err == ERR_OK)
        err = snapshot_get_number(&copy->snapshot, SEEN, &copy->seen);
    if (err == ERR_OK)
        err = snapshot_get_number(&copy->snapshot, "revision", &copy->data_revision);
    if (err == ERR_OK)
        err = get_text(copy, PREFIX, &prefix);
    if (err == ERR_OK)
        copy->is_loaded = copy->cluster != 0 && bytes_equal(prefix, bytes_of_text(copy->prefix));
    return err == ERR_OK ? read_lease(copy) : err;
}

enum err copy_open(struct copy *copy, struct env *env, const char *prefix)
{
    memset(copy, 0, sizeof *copy);
    copy->env = env;
    copy->prefix = prefix;
    enum err err = snapshot_open(&copy->snapshot, env);
    if (err != ERR_OK)
        return err;
    copy->has_snapshot = true;
    err = copy_find_begin(copy);
    if (err == ERR_OK) {
        err = read_place(copy);
        copy_find_end(copy);
    }
    if (err != ERR_OK)
        copy_close(copy);
    return err;
}

void copy_close(struct copy *copy)
{
    copy_abort(copy);
    if (copy->has_snapshot)
        snapshot_close(&copy->snapshot);
    copy->has_snapshot = false;
}

// -- Events
// ------------------------------------------------------------------------------------------------------------------

// Where a key's record lies; false: nowhere.
static bool find_place(const struct key *key, enum env_table *table, struct bytes *name)
{
    bool is_account = key->kind == KEY_ACCOUNT;
    if (!is_account && key->kind != KEY_VALUE)
        return false;
    *name = is_account ? (struct bytes){key->username.at, sizeof key->username.at} : key->name;
    *table = is_account ? ENV_ACCOUNTS : ENV_VALUES;
    return true;
}

enum err copy_put(struct copy *copy, const struct key *key, struct bytes record)
{
    enum env_table table;
    struct bytes name;
    if (!find_place(key, &table, &name))
        return ERR_OK;
    enum err err = begin(copy);
    return err == ERR_OK ? edit_put(&copy->edit, table, name, record) : err;
}

enum err copy_delete(struct copy *copy, const struct key *key)
{
    enum env_table table;
    struct bytes name;
    if (!find_place(key, &table, &name))
        return ERR_OK;
    enum err err = begin(copy);
    if (err == ERR_OK)
        err = edit_delete(&copy->edit, table, name);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err copy_commit(struct copy *copy, uint64_t seen, uint64_t data_revision)
{
    if (is_gathering(copy) || data_revision != copy->data_revision) {
        enum err err = begin(copy);
        if (err == ERR_OK)
            err = edit_put_number(&copy->edit, "revision", data_revision);
        if (err == ERR_OK)
            err = edit_put_number(&copy->edit, SEEN, seen);
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
    bool was_gathering = is_gathering(copy);
    enum err err = begin(copy);
    if (err == ERR_OK)
        err = edit_put_number(&copy->edit, LEASE, (uint64_t)lease);
    if (err == ERR_OK)
        err = put_text(copy, REPLICA, replica);
    if (err == ERR_OK && copy->is_loaded && !was_gathering)
        err = edit_put_number(&copy->edit, SEEN, copy->seen);
    if (err == ERR_OK && !was_gathering)
        err = commit(copy);
    if (err != ERR_OK)
        copy_abort(copy);
    return err;
}

// -- Snapshots
// ------------------------------------------------------------------------------------------------------------------

// Drops what the copy has of the kind that is merged, behind the last key and in front of `next`; without `next`, up to
// the end.
static enum err drop_between(struct copy *copy, const struct bytes *next)
{
    enum env_table table = copy->merge_kind == KEY_ACCOUNT ? ENV_ACCOUNTS : ENV_VALUES;
    enum err err = ERR_OK;
    while (err == ERR_OK) {
        // The smallest key behind the last one is the last one and a zero byte.
        struct bytes found = {0};
        err = edit_find_from(&copy->edit, table, (struct bytes){copy->merge_at, copy->n_merge_at}, &found);
        if (err != ERR_OK || (next != NULL && page_node_compare(found, *next) >= 0))
            break;
        err = edit_delete(&copy->edit, table, found);
        copy->n_dropped++;
    }
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
    enum env_table table;
    struct bytes name, known = {0};
    if (!find_place(key, &table, &name))
        return ERR_OK;
    enum err err = key->kind == copy->merge_kind ? ERR_OK : merge_kind(copy, key->kind);
    if (err == ERR_OK)
        err = drop_between(copy, &name);
    if (err != ERR_OK)
        return err;
    memcpy(copy->merge_at, name.at, name.n);
    copy->merge_at[name.n] = 0;
    copy->n_merge_at = name.n + 1;
    err = edit_get(&copy->edit, table, name, &known);
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
        err = edit_put_number(&copy->edit, ENV_CLUSTER, cluster);
    if (err == ERR_OK)
        err = edit_put_number(&copy->edit, SEEN, revision);
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
        err = edit_put_number(&copy->edit, "revision", data_revision);
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
    enum err err = copy_find_begin(copy);
    if (err != ERR_OK)
        return err;
    *is_empty = copy->snapshot.trees[ENV_ACCOUNTS].n_entries == 0;
    copy_find_end(copy);
    return ERR_OK;
}

// -- Reading
// ------------------------------------------------------------------------------------------------------------------

enum err copy_find_begin(struct copy *copy)
{
    return snapshot_begin(&copy->snapshot);
}

void copy_find_end(struct copy *copy)
{
    snapshot_end(&copy->snapshot);
}

enum err copy_find_account(struct copy *copy, const struct uuid *username, struct bytes *record)
{
    return snapshot_find(&copy->snapshot, ENV_ACCOUNTS, (struct bytes){username->at, sizeof username->at}, record);
}

enum err copy_find_value(struct copy *copy, struct bytes subdomain, struct bytes *record)
{
    return snapshot_find(&copy->snapshot, ENV_VALUES, subdomain, record);
}

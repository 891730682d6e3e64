// SPDX-License-Identifier: MIT
// Each call of LMDB is a struct that a shielded run fills in (shield.h): a page that the disk cannot give cuts the call
// off. LMDB cannot be stopped half way and then be used again, so nothing is written after that until a restart, while
// reading goes on.
//
// The check of a path (check.h) is made on the pages of the last commit: what this transaction has changed since is
// LMDB's own work. It holds for all keys of a leaf, so when keys come in order, as they do when a replica takes a
// snapshot in, each page is checked once.
#include "edit.h"

#include "check.h"
#include "descent.h"
#include "header.h"
#include "record.h"
#include "revive.h"
#include "shield.h"

// One call of LMDB.
struct call {
    struct edit *edit;
    enum env_table table;
    MDB_val key;
    MDB_val record;
    enum err err;
};

static MDB_val val_of(struct bytes bytes)
{
    return (MDB_val){bytes.n, (void *)(uintptr_t)bytes.at}; // LMDB only reads it
}

static struct bytes bytes_of(MDB_val val)
{
    return (struct bytes){val.mv_data, val.mv_size};
}

static enum err perform(struct call *call, void (*run)(void *call))
{
    struct env *env = call->edit->env;
    if (env->is_lost)
        return ERR_STORE;
    if (shield_run(run, call))
        return call->err;
    env->is_lost = true;
    log_write(env->options.log, LOG_ERROR, "store.lost", LOG_STR("path", env->directory),
              LOG_STR("reason", "a page could not be read: nothing is written until a restart"));
    return ERR_STORE;
}

// --- Begin and end ---

static void begin(void *arg)
{
    struct call *call = arg;
    struct edit *edit = call->edit;
    int status = edit->env->mdb == NULL ? MDB_PANIC : mdb_txn_begin(edit->env->mdb, NULL, 0, &edit->txn);
    if (status == MDB_PANIC)
        status = env_revive(edit->env) != ERR_OK ? MDB_PANIC : mdb_txn_begin(edit->env->mdb, NULL, 0, &edit->txn);
    if (status == MDB_SUCCESS)
        env_note_committed(edit->env, mdb_txn_id(edit->txn) - 1);
    call->err = env_err(status);
}

enum err edit_begin(struct edit *edit, struct env *env)
{
    *edit = (struct edit){.env = env};
    enum err err = perform(&(struct call){.edit = edit}, begin);
    if (err != ERR_OK)
        *edit = (struct edit){0};
    return err;
}

static void commit(void *arg)
{
    struct call *call = arg;
    struct env *env = call->edit->env;
    uint64_t id = mdb_txn_id(call->edit->txn);
    int status = mdb_txn_commit(call->edit->txn);
    if (status == MDB_SUCCESS && call->edit->is_changed)
        env_note_committed(env, id);
    call->err = env_err(status);
}

enum err edit_commit(struct edit *edit)
{
    enum err err = perform(&(struct call){.edit = edit}, commit);
    *edit = (struct edit){0};
    return err;
}

void edit_abort(struct edit *edit)
{
    if (edit->env != NULL && !edit->env->is_lost)
        mdb_txn_abort(edit->txn);
    *edit = (struct edit){0};
}

// --- Records ---

static bool is_in_checked(const struct edit *edit, enum env_table table, struct bytes key)
{
    return edit->has_checked && edit->table == table &&
           (edit->range.from.at == NULL || page_node_compare(key, edit->range.from) >= 0) &&
           (edit->range.below.at == NULL || page_node_compare(key, edit->range.below) < 0);
}

static enum err check_way(struct edit *edit, enum env_table table, struct bytes key)
{
    struct pages pages;
    struct page_tree tree;
    if (is_in_checked(edit, table, key))
        return ERR_OK;
    edit->has_checked = false;
    enum err err = header_open(&pages, edit->env->map, edit->env->page_bytes, mdb_txn_id(edit->txn) - 1);
    if (err != ERR_OK)
        return ERR_CORRUPT;
    err = descent_find_tree(&pages, ENV_NAMES[table], &tree);
    if (err == ERR_NOT_FOUND) // a new one
        return ERR_OK;
    if (err == ERR_OK)
        err = check_path(&pages, &tree, key, &edit->range);
    edit->table = table;
    edit->has_checked = err == ERR_OK;
    return err;
}

static enum err check_call(struct call *call)
{
    enum err err = check_way(call->edit, call->table, bytes_of(call->key));
    if (err == ERR_CORRUPT)
        env_tell_damage(call->edit->env, "a page that was to be changed is damaged");
    return err;
}

static void get(void *arg)
{
    struct call *call = arg;
    const struct edit *edit = call->edit;
    call->err = check_call(call);
    if (call->err == ERR_OK)
        call->err = env_err(mdb_get(edit->txn, edit->env->tables[call->table], &call->key, &call->record));
    if (call->err != ERR_OK || call->table == ENV_META)
        return;
    struct bytes record = bytes_of(call->record);
    call->err = record_unseal(bytes_of(call->key), &record);
    call->record = val_of(record);
    if (call->err != ERR_OK)
        env_tell_damage(edit->env, "a record that was to be changed is damaged");
}

enum err edit_get(struct edit *edit, enum env_table table, struct bytes key, struct bytes *record)
{
    struct call call = {.edit = edit, .table = table, .key = val_of(key)};
    enum err err = perform(&call, get);
    if (err == ERR_OK)
        *record = bytes_of(call.record);
    return err;
}

static void put(void *arg)
{
    struct call *call = arg;
    struct edit *edit = call->edit;
    bool is_sealed = call->table != ENV_META;
    MDB_val place = {call->record.mv_size + (is_sealed ? RECORD_SEAL_BYTES : 0), NULL};
    call->err = check_call(call);
    if (call->err == ERR_OK)
        call->err = env_err(mdb_put(edit->txn, edit->env->tables[call->table], &call->key, &place, MDB_RESERVE));
    if (call->err != ERR_OK)
        return;
    edit->is_changed = true;
    struct writer w = writer_of(place.mv_data, place.mv_size);
    put_bytes(&w, call->record.mv_data, call->record.mv_size);
    if (is_sealed)
        record_seal(&w, bytes_of(call->key));
}

enum err edit_put(struct edit *edit, enum env_table table, struct bytes key, struct bytes record)
{
    return perform(&(struct call){.edit = edit, .table = table, .key = val_of(key), .record = val_of(record)}, put);
}

static void delete (void *arg)
{
    struct call *call = arg;
    struct edit *edit = call->edit;
    call->err = check_call(call);
    if (call->err == ERR_OK)
        call->err = env_err(mdb_del(edit->txn, edit->env->tables[call->table], &call->key, NULL));
    edit->is_changed |= call->err == ERR_OK;
}

enum err edit_delete(struct edit *edit, enum env_table table, struct bytes key)
{
    return perform(&(struct call){.edit = edit, .table = table, .key = val_of(key)}, delete);
}

// --- Walking ---

static void find_from(void *arg)
{
    struct call *call = arg;
    const struct edit *edit = call->edit;
    MDB_cursor *cursor;
    call->err = check_call(call);
    if (call->err == ERR_OK)
        call->err = env_err(mdb_cursor_open(edit->txn, edit->env->tables[call->table], &cursor));
    if (call->err != ERR_OK)
        return;
    bool is_first = call->key.mv_size == 0; // LMDB takes no empty key
    call->err = env_err(mdb_cursor_get(cursor, &call->key, &call->record, is_first ? MDB_FIRST : MDB_SET_RANGE));
    mdb_cursor_close(cursor);
}

enum err edit_find_from(struct edit *edit, enum env_table table, struct bytes key, struct bytes *found)
{
    struct call call = {.edit = edit, .table = table, .key = val_of(key)};
    enum err err = perform(&call, find_from);
    if (err == ERR_OK)
        *found = bytes_of(call.key);
    return err;
}

// --- Numbers ---

enum err edit_get_number(struct edit *edit, const char *name, uint64_t *number)
{
    struct bytes record = {0};
    enum err err = edit_get(edit, ENV_META, bytes_of_text(name), &record);
    if (err == ERR_OK)
        return env_read_number(record, number);
    if (err == ERR_NOT_FOUND)
        *number = 0;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err edit_put_number(struct edit *edit, const char *name, uint64_t number)
{
    uint8_t text[8];
    struct writer w = writer_of(text, sizeof text);
    put_u64(&w, number);
    return edit_put(edit, ENV_META, bytes_of_text(name), (struct bytes){text, sizeof text});
}

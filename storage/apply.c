// SPDX-License-Identifier: MIT
// Each kind of change is one row of a table. A change looks before it writes, so that a refusal leaves the transaction
// as it was and the other changes of the same group unharmed.
#include "apply.h"

#include "record.h"

#include <assert.h>

static struct bytes username_key(const struct change *change)
{
    return (struct bytes){change->account.username.at, sizeof change->account.username.at};
}

static enum err put_record(MDB_txn *txn, MDB_dbi table, struct bytes key, const struct writer *record)
{
    if (record->is_bad)
        return ERR_STORE;
    MDB_val k = {key.n, (void *)(uintptr_t)key.at};
    MDB_val v = {writer_used(record), record->start};
    return env_err(mdb_put(txn, table, &k, &v, 0));
}

static enum err check_absent(MDB_txn *txn, MDB_dbi table, struct bytes key)
{
    struct bytes record;
    enum err err = env_get(txn, table, key, &record);
    return err == ERR_OK ? ERR_EXISTS : err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err apply_register(const struct env *env, MDB_txn *txn, const struct change *change,
                               const struct apply_options *options)
{
    (void)options;
    const struct account *account = &change->account;
    uint8_t space[RECORD_MAX_BYTES];
    enum err err = check_absent(txn, env->accounts, username_key(change));
    if (err == ERR_OK)
        err = check_absent(txn, env->values, account->subdomain);
    if (err == ERR_OK) {
        struct writer w = writer_of(space, sizeof space);
        record_write_account(&w, account);
        err = put_record(txn, env->accounts, username_key(change), &w);
    }
    if (err == ERR_OK) {
        struct writer w = writer_of(space, sizeof space);
        record_write_no_values(&w, &account->username);
        err = put_record(txn, env->values, account->subdomain, &w);
    }
    return err;
}

enum err store_apply_update(struct writer *w, struct bytes old, const struct change *change,
                            const struct apply_options *options)
{
    struct txt txt;
    enum err err = record_read_txt(old, &txt);
    if (err != ERR_OK)
        return err;
    if (memcmp(txt.username.at, change->account.username.at, sizeof txt.username.at) != 0)
        return ERR_NOT_FOUND;
    if (change->kind == CHANGE_CLEAR) {
        record_write_no_values(w, &txt.username);
        return ERR_OK;
    }
    const struct record_update update = {change->rdata, options->n_values, change->now_s};
    return record_write_update(w, old, &update);
}

static enum err apply_update(const struct env *env, MDB_txn *txn, const struct change *change,
                             const struct apply_options *options)
{
    struct bytes old;
    uint8_t space[RECORD_MAX_BYTES];
    struct writer w = writer_of(space, sizeof space);
    enum err err = env_get(txn, env->values, change->account.subdomain, &old);
    if (err == ERR_OK)
        err = store_apply_update(&w, old, change, options);
    return err == ERR_OK ? put_record(txn, env->values, change->account.subdomain, &w) : err;
}

enum err store_apply(const struct env *env, MDB_txn *txn, const struct change *change,
                     const struct apply_options *options)
{
    static enum err (*const apply[])(const struct env *, MDB_txn *, const struct change *,
                                     const struct apply_options *) = {
        [CHANGE_REGISTER] = apply_register,
        [CHANGE_UPDATE] = apply_update,
        [CHANGE_CLEAR] = apply_update,
    };
    assert((size_t)change->kind < sizeof apply / sizeof apply[0]);
    return apply[change->kind](env, txn, change, options);
}

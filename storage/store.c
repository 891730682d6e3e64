// SPDX-License-Identifier: MIT
// The face of the floor: an environment to read, a committer to write. A reader is one LMDB read transaction that is
// renewed and reset for ever, which costs no allocation; between reset and renew it holds no page of the store back.
#include "store.h"

#include "commit.h"
#include "record.h"

#include <stdlib.h>

struct store {
    struct env env;
    struct committer *committer;
};

struct store_reader {
    const struct env *env;
    MDB_txn *txn;
    bool has_revision;
    uint64_t revision; // of this snapshot, once somebody asked
};

enum err store_open(struct store **store, const struct store_options *options)
{
    struct store *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    enum err err = env_open(&self->env, options);
    if (err != ERR_OK) {
        free(self);
        return err;
    }
    err = commit_start(&self->committer, &self->env, options);
    if (err != ERR_OK) {
        env_close(&self->env);
        free(self);
        return err;
    }
    *store = self;
    return ERR_OK;
}

void store_close(struct store *store)
{
    commit_stop(store->committer);
    env_close(&store->env);
    free(store);
}

const struct counters *store_counters(const struct store *store)
{
    return commit_counters(store->committer);
}

bool store_is_writable(const struct store *store)
{
    return commit_is_sound(store->committer);
}

void store_submit(struct store *store, struct change *change)
{
    commit_submit(store->committer, change);
}

enum err store_reader_open(struct store_reader **reader, struct store *store)
{
    struct store_reader *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->env = &store->env;
    enum err err = env_err(mdb_txn_begin(store->env.mdb, NULL, MDB_RDONLY, &self->txn));
    if (err != ERR_OK) {
        free(self);
        return err;
    }
    mdb_txn_reset(self->txn);
    *reader = self;
    return ERR_OK;
}

void store_reader_close(struct store_reader *reader)
{
    mdb_txn_abort(reader->txn);
    free(reader);
}

enum err store_begin(struct store_reader *reader)
{
    reader->has_revision = false;
    return mdb_txn_renew(reader->txn) == MDB_SUCCESS ? ERR_OK : ERR_STORE;
}

void store_end(struct store_reader *reader)
{
    mdb_txn_reset(reader->txn);
}

uint64_t store_revision(struct store_reader *reader)
{
    if (!reader->has_revision) {
        if (env_revision(reader->env, reader->txn, &reader->revision) != ERR_OK)
            reader->revision = 0;
        reader->has_revision = true;
    }
    return reader->revision;
}

enum err store_find_txt(struct store_reader *reader, struct bytes label, struct txt *txt)
{
    struct bytes record;
    enum err err = env_get(reader->txn, reader->env->values, label, &record);
    return err == ERR_OK ? record_read_txt(record, txt) : err;
}

enum err store_find_account(struct store_reader *reader, const struct uuid *username, struct account *account)
{
    struct bytes record;
    enum err err =
        env_get(reader->txn, reader->env->accounts, (struct bytes){username->at, sizeof username->at}, &record);
    return err == ERR_OK ? record_read_account(record, username, account) : err;
}

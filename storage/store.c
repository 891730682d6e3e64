// SPDX-License-Identifier: MIT
// The face of the floor: an environment to read, and one of two engines to write, the committer or the cluster. A
// reader is one LMDB read transaction that is renewed and reset for ever, which costs no allocation; between reset and
// renew it holds no page of the store back.
#include "store.h"

#include "cluster.h"
#include "commit.h"
#include "descent.h"
#include "name.h"
#include "record.h"
#include "usage.h"

#include <assert.h>
#include <stdlib.h>

struct store {
    struct env env;
    struct committer *committer; // standalone
    struct cluster *cluster;     // else
};

enum { AHEAD_MIN = 4 }; // fewer are cheaper one by one

// Look-ups that were made before they are asked for.
struct ahead {
    size_t n;
    size_t next; // those before it have been asked for
    struct descent descents[DESCENT_MAX];
    uint8_t labels[DESCENT_MAX][SUBDOMAIN_MAX];
};

struct store_reader {
    const struct env *env;
    MDB_txn *txn;
    struct ahead ahead;
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
    if (options->cluster == NULL)
        err = commit_start(&self->committer, &self->env, options);
    else
        err = cluster_start(&self->cluster, &self->env, options);
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
    if (store->cluster == NULL)
        commit_stop(store->committer);
    else
        cluster_stop(store->cluster);
    env_close(&store->env);
    free(store);
}

const struct counters *store_counters(const struct store *store)
{
    return store->cluster == NULL ? commit_counters(store->committer) : cluster_counters(store->cluster);
}

const struct store_histograms *store_histograms(const struct store *store)
{
    return store->cluster == NULL ? commit_histograms(store->committer) : cluster_histograms(store->cluster);
}

bool store_is_writable(const struct store *store)
{
    return store->cluster == NULL ? commit_is_sound(store->committer) : cluster_is_sound(store->cluster);
}

enum store_fitness store_fitness(const struct store *store)
{
    return store->cluster == NULL ? STORE_FIT : cluster_fitness(store->cluster);
}

struct store_status store_status(const struct store *store)
{
    const struct store_status standalone = {.is_in_step = true};
    return store->cluster == NULL ? standalone : cluster_status(store->cluster);
}

enum err store_share(struct store *store, struct bytes text)
{
    return store->cluster == NULL ? ERR_OK : cluster_share(store->cluster, text);
}

enum err store_shared(struct store *store, uint64_t *version, struct writer *text)
{
    return store->cluster == NULL ? ERR_NOT_FOUND : cluster_shared(store->cluster, version, text);
}

bool store_is_first(const struct store *store)
{
    return store->cluster == NULL || cluster_is_first(store->cluster);
}

void store_submit(struct store *store, struct change *change)
{
    if (store->cluster == NULL)
        commit_submit(store->committer, change);
    else
        cluster_submit(store->cluster, change);
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

// A snapshot is begun by reading the number of the last commit, then the header page that belongs to it; each of the
// two pages belongs to every other commit. Whoever is held up between the two may read the page of a commit that is
// still being synced, and would later see the store go back. Then the snapshot is let go, and the next one begun.
static bool is_overtaken(struct store_reader *reader)
{
    MDB_envinfo info;
    mdb_env_info(reader->env->mdb, &info);
    if (info.me_last_txnid < mdb_txn_id(reader->txn) + 2)
        return false;
    mdb_txn_reset(reader->txn);
    return true;
}

enum err store_begin(struct store_reader *reader)
{
    reader->has_revision = false;
    reader->ahead.n = reader->ahead.next = 0;
    do {
        if (mdb_txn_renew(reader->txn) != MDB_SUCCESS)
            return ERR_STORE;
    } while (is_overtaken(reader));
    return ERR_OK;
}

enum err store_usage(struct store_reader *reader, struct store_usage *usage)
{
    return usage_read(reader->env, reader->txn, usage);
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

void store_look_ahead(struct store_reader *reader, const struct bytes *labels, size_t n)
{
    static_assert(STORE_AHEAD_MAX == DESCENT_MAX);
    struct ahead *ahead = &reader->ahead;
    ahead->n = ahead->next = 0;
    if (n < AHEAD_MIN)
        return;
    for (size_t i = 0; i < n && i < STORE_AHEAD_MAX; i++) {
        if (labels[i].n > SUBDOMAIN_MAX)
            continue;
        uint8_t *folded = ahead->labels[ahead->n];
        for (size_t at = 0; at < labels[i].n; at++)
            folded[at] = name_fold(labels[i].at[at]);
        ahead->descents[ahead->n++].key = (struct bytes){folded, labels[i].n};
    }
    descent_find(reader->env, reader->txn, ahead->descents, ahead->n);
}

static enum err find_values(struct store_reader *reader, struct bytes label, struct bytes *record)
{
    struct ahead *ahead = &reader->ahead;
    for (size_t i = ahead->next; i < ahead->n; i++) {
        const struct descent *descent = &ahead->descents[i];
        if (!bytes_equal(descent->key, label))
            continue;
        ahead->next = i + 1;
        if (descent->fate == DESCENT_UNKNOWN)
            break;
        *record = descent->record;
        return descent->fate == DESCENT_FOUND ? ERR_OK : ERR_NOT_FOUND;
    }
    return env_get(reader->txn, reader->env->values, label, record);
}

enum err store_find_txt(struct store_reader *reader, struct bytes label, struct txt *txt)
{
    struct bytes record = {0};
    enum err err = find_values(reader, label, &record);
    return err == ERR_OK ? record_read_txt(record, txt) : err;
}

enum err store_find_account(struct store_reader *reader, const struct uuid *username, struct account *account)
{
    struct bytes record;
    enum err err =
        env_get(reader->txn, reader->env->accounts, (struct bytes){username->at, sizeof username->at}, &record);
    return err == ERR_OK ? record_read_account(record, username, account) : err;
}

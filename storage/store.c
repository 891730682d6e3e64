// SPDX-License-Identifier: MIT
// The face of the floor: an environment to read, and one of two engines to write, the committer or the cluster. A
// reader is a snapshot that is taken over and over, and what it was told to look for ahead.
#include "store.h"

#include "cluster.h"
#include "commit.h"
#include "import.h"
#include "name.h"
#include "scan.h"
#include "snapshot.h"
#include "usage.h"

#include <assert.h>
#include <stdlib.h>

struct store {
    struct env env;
    unsigned n_values;
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
    struct snapshot snapshot;
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
    self->n_values = options->n_values;
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
    enum err err = snapshot_open(&self->snapshot, &store->env);
    if (err != ERR_OK) {
        free(self);
        return err;
    }
    *reader = self;
    return ERR_OK;
}

void store_reader_close(struct store_reader *reader)
{
    snapshot_close(&reader->snapshot);
    free(reader);
}

enum err store_begin(struct store_reader *reader)
{
    reader->has_revision = false;
    reader->ahead.n = reader->ahead.next = 0;
    return snapshot_begin(&reader->snapshot);
}

enum err store_usage(struct store_reader *reader, struct store_usage *usage)
{
    return usage_read(&reader->snapshot, usage);
}

void store_end(struct store_reader *reader)
{
    snapshot_end(&reader->snapshot);
}

uint64_t store_revision(struct store_reader *reader)
{
    if (!reader->has_revision) {
        if (snapshot_get_number(&reader->snapshot, "revision", &reader->revision) != ERR_OK)
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
    snapshot_find_all(&reader->snapshot, ENV_VALUES, ahead->descents, ahead->n);
}

static enum err find_values(struct store_reader *reader, struct bytes label, struct bytes *record)
{
    struct ahead *ahead = &reader->ahead;
    for (size_t i = ahead->next; i < ahead->n; i++) {
        const struct descent *descent = &ahead->descents[i];
        if (!bytes_equal(descent->key, label))
            continue;
        ahead->next = i + 1;
        return snapshot_take(&reader->snapshot, ENV_VALUES, descent, record);
    }
    return snapshot_find(&reader->snapshot, ENV_VALUES, label, record);
}

enum err store_find_txt(struct store_reader *reader, struct bytes label, struct txt *txt)
{
    struct bytes record = {0};
    enum err err = find_values(reader, label, &record);
    return err == ERR_OK ? record_read_txt(record, txt) : err;
}

enum err store_find_account(struct store_reader *reader, const struct uuid *username, struct account *account)
{
    const struct bytes key = {username->at, sizeof username->at};
    struct bytes record = {0};
    enum err err = snapshot_find(&reader->snapshot, ENV_ACCOUNTS, key, &record);
    return err == ERR_OK ? record_read_account(record, username, account) : err;
}

// What is damaged is an entry too, so that the others can still be had.
static enum err read_entry(struct store_reader *reader, struct bytes key, struct bytes record,
                           struct store_entry *entry)
{
    struct uuid *username = &entry->account.username;
    struct bytes values = {0};
    if (key.n != sizeof username->at)
        return ERR_CORRUPT;
    memcpy(username->at, key.at, sizeof username->at);
    enum err err = entry->err;
    if (err == ERR_OK)
        err = record_read_account(record, username, &entry->account);
    if (err == ERR_OK)
        err = snapshot_find(&reader->snapshot, ENV_VALUES, entry->account.subdomain, &values);
    return err == ERR_OK ? record_read_txt(values, &entry->txt) : err;
}

enum err store_each(struct store_reader *reader, bool (*on_entry)(void *, const struct store_entry *), void *context)
{
    struct scan scan;
    struct bytes key, record = {0};
    scan_begin(&scan, &reader->snapshot, ENV_ACCOUNTS);
    for (bool goes_on = true; goes_on;) {
        struct store_entry entry = {.err = scan_next(&scan, &key, &record)};
        if (entry.err == ERR_NOT_FOUND)
            return ERR_OK;
        if (entry.err != ERR_STORE)
            entry.err = read_entry(reader, key, record, &entry);
        if (entry.err == ERR_STORE)
            return ERR_STORE;
        goes_on = on_entry(context, &entry);
    }
    return ERR_OK;
}

enum err store_count(struct store_reader *reader, uint64_t *n_accounts)
{
    *n_accounts = reader->snapshot.trees[ENV_ACCOUNTS].n_entries;
    return ERR_OK;
}

enum err store_import(struct store *store, const struct store_import *import)
{
    const struct apply_options options = {.n_values = store->n_values};
    return store->cluster == NULL ? import_at_once(&store->env, &options, import) : import_one_by_one(store, import);
}

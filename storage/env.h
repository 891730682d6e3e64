// SPDX-License-Identifier: MIT
// env: the LMDB environment of one store and its three tables; what the other files of this floor share.
//
//     meta      "format" and "revision" -> 8 bytes each; a replica's copy has more (copy.h)
//     accounts  username (16 bytes) -> account record, sealed
//     values    subdomain (label, lower case) -> values record, sealed
//
// LMDB trusts its file, so it is let near nothing that has not been checked. Writing is edit.h's, reading snapshot.h's;
// nobody else calls LMDB.
#pragma once

#include "store.h"

#include <lmdb.h>
#include <uv.h>

#define ENV_FORMAT  2         // of the tables; a store with another one is refused
#define ENV_CLUSTER "cluster" // in meta: the store is a replica's copy of that cluster's data

enum env_table { ENV_META, ENV_ACCOUNTS, ENV_VALUES, ENV_TABLES };

extern const char *const ENV_NAMES[ENV_TABLES];

struct snapshot;

struct env {
    MDB_env *mdb; // a null pointer when a revival has failed (revive.h)
    MDB_dbi tables[ENV_TABLES];

    struct store_options options;
    char *directory; // options.directory is this
    char *path;      // of the file in it
    bool is_new;
    struct bytes map; // the file, ours to read, however large it grows
    size_t page_bytes;
    _Atomic uint64_t committed;  // the last transaction
    _Atomic bool is_lost;        // a write was cut off half way (shield.h): nothing is written any more
    bool is_told;                // that LMDB cannot be opened again
    _Atomic bool is_damage_told; // in the log

    uv_mutex_t mutex; // guards the list, and keeps it from changing during a revival
    struct snapshot *snapshots;
};

// As store_open; logs store.refused. A guest of a cluster has a store that is gone with it. The env must stay where it
// is.
enum err env_open(struct env *env, const struct store_options *options);
void env_close(struct env *env);

// What an LMDB status means to us. Logs nothing.
enum err env_err(int status);

// The last transaction that we know to be committed; there may be later ones of other processes. Any thread.
static inline uint64_t env_committed(const struct env *env)
{
    return atomic_load_explicit(&env->committed, memory_order_acquire);
}

// For who writes.
static inline void env_note_committed(struct env *env, uint64_t txn)
{
    atomic_store_explicit(&env->committed, txn, memory_order_release);
}

// Frees the read slots of processes that were killed: they would hold old pages back for ever. An LMDB status.
int env_free_dead_readers(const struct env *env);

// Reads a number of the meta table. ERR_CORRUPT.
enum err env_read_number(struct bytes record, uint64_t *number);

// Logs store.damaged, once in the life of the store: what a damaged page holds may be asked for all the time. Any
// thread.
void env_tell_damage(struct env *env, const char *reason);

// --- For revive.c ---

// Opens LMDB in a directory whose file has been checked, and its tables. Failures are logged as store.refused.
enum err env_open_mdb(struct env *env);

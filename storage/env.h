// SPDX-License-Identifier: MIT
// env: the LMDB environment of one store and its three tables; what the other files of this floor share.
//
//     meta      "format" and "revision" -> 8 bytes each; a replica's copy has more (copy.h)
//     accounts  username (16 bytes) -> account record
//     values    subdomain (label, lower case) -> values record
#pragma once

#include "store.h"

#include <lmdb.h>

#define ENV_FORMAT  1         // of the tables; a store with a larger one is refused
#define ENV_CLUSTER "cluster" // in meta: the store is a replica's copy of that cluster's data

struct env {
    MDB_env *mdb;
    MDB_dbi meta;
    MDB_dbi accounts;
    MDB_dbi values;
    MDB_dbi tables;    // the unnamed table: a record for each of the others
    size_t page_bytes; // for descent.c; 0: not for it to read
};

// As store_open; logs store.refused. A guest of a cluster has a store that is gone with it.
enum err env_open(struct env *env, const struct store_options *options);
void env_close(struct env *env);

// What an LMDB status means to us. Logs nothing.
enum err env_err(int status);

// The number of changes committed, as seen by `txn`; 0 for a new store.
enum err env_revision(const struct env *env, MDB_txn *txn, uint64_t *revision);
enum err env_set_revision(const struct env *env, MDB_txn *txn, uint64_t revision);

// A number of the meta table; 0 when it is not there.
enum err env_get_number(const struct env *env, MDB_txn *txn, const char *name, uint64_t *number);
enum err env_put_number(const struct env *env, MDB_txn *txn, const char *name, uint64_t number);

// One record, a view into the transaction's snapshot. ERR_NOT_FOUND, or the failure of LMDB.
enum err env_get(MDB_txn *txn, MDB_dbi table, struct bytes key, struct bytes *record);

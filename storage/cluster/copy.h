// SPDX-License-Identifier: MIT
// copy: the replica's own LMDB, kept as a copy of what stands in etcd. The cluster's thread, which is its only writer.
//
// What comes in is gathered in one write transaction until copy_commit; with it the revision up to which all is applied
// is stored, so the copy is always that of one revision. After a failure nothing of the transaction is left.
//
// Kept in the store's meta table: "cluster" and "prefix", whose copy this is; "seen", the revision; "lease" and
// "replica", to be given back by the next process should this one be killed. store_revision is the last revision that
// changed data.
#pragma once

#include "edit.h"
#include "key.h"
#include "snapshot.h"

struct copy {
    struct env *env;
    const char *prefix;
    struct snapshot snapshot; // for copy_find_value
    bool has_snapshot;
    struct edit edit;            // open while something is gathered
    struct histogram *commit_ns; // set after copy_open; a null pointer: nobody wants to know

    bool is_loaded;                    // it is the copy of a whole snapshot
    uint64_t cluster;                  // etcd's id of the cluster
    uint64_t seen;                     // all revisions up to this one are applied
    uint64_t data_revision;            // the last one that changed data
    int64_t lease;                     // of the process before this one; 0: none
    char replica[KEY_REPLICA_MAX + 1]; // and its id

    // While a snapshot is merged in.
    enum key_kind merge_kind;
    uint8_t merge_at[SUBDOMAIN_MAX + 1]; // the last key of that kind
    size_t n_merge_at;
    uint64_t n_dropped;
    uint64_t n_kept; // accounts that were there before
};

// Reads where the copy stands. A copy made under another prefix counts as not loaded, so that a snapshot replaces it.
// ERR_STORE, ERR_CORRUPT, ERR_MEMORY.
enum err copy_open(struct copy *copy, struct env *env, const char *prefix);
void copy_close(struct copy *copy);

// Gathers one record of KEY_ACCOUNT or KEY_VALUE; nothing for the other kinds.
enum err copy_put(struct copy *copy, const struct key *key, struct bytes record);
enum err copy_delete(struct copy *copy, const struct key *key);

// Commits what was gathered, if anything, and the revisions. Any error of LMDB.
enum err copy_commit(struct copy *copy, uint64_t seen, uint64_t data_revision);
void copy_abort(struct copy *copy);

// Merging a snapshot: records come in the order of their keys; what the copy has besides is dropped, unless it is
// aborted before its end.
enum err copy_merge_begin(struct copy *copy);
enum err copy_merge(struct copy *copy, const struct key *key, struct bytes record);
enum err copy_merge_end(struct copy *copy, uint64_t cluster, uint64_t revision, uint64_t data_revision);

// Whether there is no account in it.
enum err copy_is_empty(struct copy *copy, bool *is_empty);

// Stores the lease for the next process: at once, or with what is being gathered.
enum err copy_keep_lease(struct copy *copy, int64_t lease, const char *replica);

// A record as it was last committed, valid until the next look-up of its kind or copy_find_end.
enum err copy_find_begin(struct copy *copy);
enum err copy_find_account(struct copy *copy, const struct uuid *username, struct bytes *record);
enum err copy_find_value(struct copy *copy, struct bytes subdomain, struct bytes *record);
void copy_find_end(struct copy *copy);

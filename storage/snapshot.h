// SPDX-License-Identifier: MIT
// snapshot: one reader's view of the store at one moment.
//
// LMDB keeps the pages of a snapshot from being used again; they are read by descent.h. While LMDB is out of order
// (revive.h) nothing is written, so a snapshot can do without it: readers never notice.
#pragma once

#include "descent.h"
#include "env.h"
#include "record.h"

struct snapshot {
    struct env *env;
    uv_mutex_t latch; // held from begin to end; only a revival ever waits for it
    MDB_txn *txn;     // a null pointer while LMDB is closed
    struct snapshot *next;

    bool is_known; // what follows is that of some transaction
    struct pages pages;
    struct page_tree trees[ENV_TABLES];
    uint8_t space[ENV_TABLES][RECORD_MAX_BYTES];
};

// The snapshot must stay where it is until snapshot_close. ERR_MEMORY, ERR_SYSTEM, ERR_STORE.
enum err snapshot_open(struct snapshot *snapshot, struct env *env);
void snapshot_close(struct snapshot *snapshot);

// The state of the last commit. ERR_STORE, ERR_CORRUPT: there is none, and snapshot_end must not be called.
enum err snapshot_begin(struct snapshot *snapshot);
void snapshot_end(struct snapshot *snapshot);

// One record, its seal taken off: a copy that stays as it is until the next look-up in this table. ERR_NOT_FOUND,
// ERR_CORRUPT, ERR_STORE.
enum err snapshot_find(struct snapshot *snapshot, enum env_table table, struct bytes key, struct bytes *record);

// The same in two steps, the first for many at once: ERR_STORE, too, is set in their `err`.
void snapshot_find_all(struct snapshot *snapshot, enum env_table table, struct descent *descents, size_t n);
enum err snapshot_take(struct snapshot *snapshot, enum env_table table, const struct descent *found,
                       struct bytes *record);

// A number of the meta table; 0 when it is not there.
enum err snapshot_get_number(struct snapshot *snapshot, const char *name, uint64_t *number);

// For revive.c: takes LMDB away from all snapshots, each between an end and a begin, and gives it back. ERR_STORE,
// ERR_MEMORY: not all have it.
void snapshot_park_all(struct env *env);
enum err snapshot_resume_all(struct env *env);

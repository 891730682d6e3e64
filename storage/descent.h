// SPDX-License-Identifier: MIT
// descent: a batch of look-ups in the table of values, all at once.
//
// One look-up in a large table is a row of cache misses, each of which must end
// before the next can begin; those of different look-ups can overlap. mdb_get
// cannot do that, so the pages are read here; see descent.c. The reader's
// thread; nothing allocates.
#pragma once

#include "env.h"

#define DESCENT_MAX 32

enum descent_fate {
    DESCENT_UNKNOWN, // ask mdb_get
    DESCENT_FOUND,
    DESCENT_ABSENT
};

struct descent {
    struct bytes key; // the caller's: what to look up, valid as long as this is used
    enum descent_fate fate;
    struct bytes record; // DESCENT_FOUND: a view into the transaction's snapshot

    uint64_t rank; // from here on its own
    const uint8_t *page;
    unsigned first;
    unsigned n;
};

// Looks up at most DESCENT_MAX keys in the snapshot of `txn`. Sets fate and
// record of each, as mdb_get would find them.
void descent_find(const struct env *env, MDB_txn *txn, struct descent *descents, size_t n);

// Whether the pages of this environment are laid out as descent.c reads them;
// `txn` has its tables open. When not, every fate is DESCENT_UNKNOWN.
bool descent_is_possible(const struct env *env, MDB_txn *txn);

// SPDX-License-Identifier: MIT
// batch: changes that go to etcd together. For batch.c, which makes one and judges its outcome, and txn.c.
#pragma once

#include "apply.h"
#include "arena.h"
#include "replica.h"

// One record that is written or deleted.
struct part {
    bool is_used;
    struct key_text key;
    struct bytes old;    // what must be there; empty: nothing
    struct bytes record; // what is to be there; empty: nothing
};

// A part of the transaction: what one change, or several updates, make of one account.
struct item {
    struct changes changes;
    enum change_kind kind;
    struct part parts[N_APPLY_PARTS]; // none is used: all is as it is to be
    struct uuid username;
    struct bytes subdomain;
};

struct batch {
    struct arena *arena;
    uint64_t seen; // the revision of the copy that the records were made from
    size_t n_bytes;
    size_t n;
    struct item items[REPLICA_BATCH_MAX];
};

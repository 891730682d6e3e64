// SPDX-License-Identifier: MIT
// batch: changes that go to etcd together. For batch.c, which makes one and judges its outcome, and txn.c.
#pragma once

#include "arena.h"
#include "replica.h"

// A part of the transaction: one registration, or all updates of one subdomain.
struct item {
    struct changes changes;
    enum change_kind kind;
    struct key_text keys[2]; // registration: of the account, of its values; update: of the values
    struct bytes records[2]; // to be written there
    struct bytes old;        // update: what must be there
    struct bytes subdomain;  // view into a record's key
};

struct batch {
    struct arena *arena;
    uint64_t seen; // the revision of the copy that the records were made from
    size_t n_bytes;
    size_t n;
    struct item items[REPLICA_BATCH_MAX];
};

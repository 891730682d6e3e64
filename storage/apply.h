// SPDX-License-Identifier: MIT
// apply: the one function that changes the store.
#pragma once

#include "env.h"

struct apply_options {
    unsigned n_values; // values kept for one subdomain
};

// Applies one change within a write transaction. ERR_EXISTS, ERR_NOT_FOUND and ERR_CORRUPT come before anything was
// written: the transaction can go on. After any other error it must be aborted.
enum err store_apply(const struct env *env, MDB_txn *txn, const struct change *change,
                     const struct apply_options *options);

// The record `old` of values as it is after an update, or a clearance. ERR_NOT_FOUND: it is another account's.
// ERR_CORRUPT. The writer is left bad when the record does not fit.
enum err store_apply_update(struct writer *w, struct bytes old, const struct change *change,
                            const struct apply_options *options);

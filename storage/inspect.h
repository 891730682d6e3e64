// SPDX-License-Identifier: MIT
// inspect: whether the records of a store are sound and fit together. For image.c.
#pragma once

#include "env.h"
#include "image.h"

// A number of the meta table; 0 when it is not there. ERR_CORRUPT.
enum err inspect_number(const struct env *env, MDB_txn *txn, const char *name, uint64_t *number);

// Looks at every record in the snapshot of `txn`. ERR_STORE, ERR_CORRUPT: the walk could not be finished.
enum err inspect_records(const struct env *env, MDB_txn *txn, const struct image_sink *sink,
                         struct image_report *report);

// SPDX-License-Identifier: MIT
// inspect: whether the records of a store are sound and fit together. For image.c.
#pragma once

#include "env.h"
#include "image.h"

// Looks at every record in the snapshot of `txn`. ERR_STORE, ERR_CORRUPT: the walk could not be finished.
enum err inspect_records(const struct env *env, MDB_txn *txn, const struct image_sink *sink,
                         struct image_report *report);

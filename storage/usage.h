// SPDX-License-Identifier: MIT
// usage: how large a store is, and how much room it has. The thread of the transaction.
#pragma once

#include "env.h"

// As store_usage.
enum err usage_read(const struct env *env, MDB_txn *txn, struct store_usage *usage);

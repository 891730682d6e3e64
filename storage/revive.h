// SPDX-License-Identifier: MIT
// revive: what gets LMDB going again after it has given up.
#pragma once

#include "env.h"

// For the one who writes, between two transactions, after MDB_PANIC. The store is as it was after the last commit.
// ERR_STORE, ERR_SYSTEM, ERR_MEMORY, ...: the disk still fails; to be called again. Told in the log, as store.refused
// and store.revived.
enum err env_revive(struct env *env);

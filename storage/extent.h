// SPDX-License-Identifier: MIT
// extent: whether the file of a store is long enough for what its header says is in it.
#pragma once

#include "err.h"

#include <lmdb.h>

// LMDB maps the file; a look past its end would end the process. ERR_CORRUPT: pages in use are missing, the file was
// cut short. ERR_OK: nothing in use is missing, and the file now reaches as far as its header says. ERR_SYSTEM,
// ERR_STORE, ERR_MEMORY.
enum err extent_check(MDB_env *mdb);

// SPDX-License-Identifier: MIT
// import: store_import for either engine, on the caller's thread.
#pragma once

#include "apply.h"

enum err import_at_once(struct env *env, const struct apply_options *options, const struct store_import *import);
enum err import_one_by_one(struct store *store, const struct store_import *import);

// SPDX-License-Identifier: MIT
// usage: how large a store is, and how much room it has. The thread of the snapshot.
#pragma once

#include "snapshot.h"

// As store_usage.
enum err usage_read(const struct snapshot *snapshot, struct store_usage *usage);

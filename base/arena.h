// SPDX-License-Identifier: MIT
// arena: allocations that end together.
//
// What is taken is zeroed and lives until arena_free. Used by one thread at a time; for set-up, not for the query path.
#pragma once

#include "bytes.h"
#include "err.h"

struct arena;

// ERR_MEMORY.
enum err arena_new(struct arena **arena);

// Takes a null pointer too.
void arena_free(struct arena *arena);

// Zeroed room for `n` things of `size` bytes, aligned for anything; a null pointer when memory is out.
void *arena_take(struct arena *arena, size_t n, size_t size);

// A copy of `text` with a NUL behind it; a null pointer when memory is out.
char *arena_take_text(struct arena *arena, struct bytes text);

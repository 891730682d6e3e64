// SPDX-License-Identifier: MIT
// descent: look-ups in a tree, a batch of them at once.
//
// One look-up in a large table is a row of cache misses, each of which must end before the next can begin; those of
// different look-ups can overlap; see descent.c. The pages are read here, not by LMDB, so a damaged one is an error and
// never a look outside of the file. Any thread; nothing allocates.
#pragma once

#include "page.h"

#define DESCENT_MAX 32

struct descent {
    struct bytes key;    // the caller's: what to look up, valid as long as this is used
    enum err err;        // ERR_OK, ERR_NOT_FOUND; ERR_CORRUPT: what was met on the way makes no sense
    struct bytes record; // ERR_OK: a view into the snapshot

    uint64_t rank; // from here on its own
    uint64_t number;
    struct page page;
    unsigned first;
    unsigned n;
};

// Looks up at most DESCENT_MAX keys. Sets err and record of each.
void descent_find(const struct pages *pages, const struct page_tree *tree, struct descent *descents, size_t n);

// One look-up. ERR_NOT_FOUND, ERR_CORRUPT.
enum err descent_find_one(const struct pages *pages, const struct page_tree *tree, struct bytes key,
                          struct bytes *record);

// A named tree. ERR_NOT_FOUND, ERR_CORRUPT.
enum err descent_find_tree(const struct pages *pages, const char *name, struct page_tree *tree);

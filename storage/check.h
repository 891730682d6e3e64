// SPDX-License-Identifier: MIT
// check: whether LMDB may be let loose on a file, before it is.
//
// Any thread. Pages that the disk cannot read are SIGBUS here too (shield.h). Each refusal says why, in a static text.
#pragma once

#include "page_node.h"

// A file's two headers, before LMDB opens it; an empty file is fine. ERR_CORRUPT, ERR_NEWER, ERR_SYSTEM.
enum err check_headers(int fd, const char **why);

struct check_extent {
    uint64_t n_there;  // pages that the file has
    uint64_t full_max; // with at most so many, every page and every record is looked at
};

// A snapshot of the whole file: the list of free pages and the roots of all trees, and that no page is there twice.
// A file may rightly be shorter than its header says: a page that was taken at the end and given back within one
// transaction is never written, but stands in the list of free pages. ERR_CORRUPT, ERR_MEMORY.
enum err check_file(const struct pages *pages, const struct check_extent *extent, const char **why);

// Every page that LMDB looks at when it puts or deletes a key: those from the root down to the leaf, and their
// neighbours. The range is that of the leaf: for another key in it the same pages would be looked at. ERR_CORRUPT.
enum err check_path(const struct pages *pages, const struct page_tree *tree, struct bytes key,
                    struct page_node_range *range);

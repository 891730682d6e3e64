// SPDX-License-Identifier: MIT
// page_node: what stands in a page of a tree, node by node, and whether a page is whole. As page.h.
#pragma once

#include "page.h"

struct page_node {
    struct bytes key;
    unsigned flags;      // page_node_flag; none in a branch
    uint64_t child;      // of a branch
    struct bytes record; // of a leaf
    uint64_t big;        // PAGE_NODE_BIG: the first of the pages that hold the record
    uint64_t n_big;
};

// ERR_CORRUPT: the node is not one, or what it points to is not in the snapshot.
enum err page_node_read(const struct pages *pages, const struct page *page, unsigned which, struct page_node *node);

// As LMDB sorts: by bytes, then the shorter first. Negative, 0 or positive.
int page_node_compare(struct bytes a, struct bytes b);

// Keys of one page lie in here; a null pointer is no limit.
struct page_node_range {
    struct bytes from;
    struct bytes below;
};

// Opens a page of a tree that is whole: its nodes fill it exactly, its keys ascend and lie in the range, what it points
// to is in the snapshot. `is_number`: keys are numbers of transactions, as in the tree of free pages. ERR_CORRUPT.
enum err page_node_check_page(const struct pages *pages, uint64_t number, struct page_node_range range, bool is_number,
                              struct page *page);

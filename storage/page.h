// SPDX-License-Identifier: MIT
// page: the pages of LMDB's trees, read with distrust. Whatever their bytes are, nothing outside of them is looked at.
//
// Pure functions over mapped memory; any thread; nothing allocates. A page that cannot be read from the disk is SIGBUS:
// shield.h is for that. What is inline here is what a look-up does at every step (descent.h).
#pragma once

#include "bytes.h"
#include "err.h"

#define PAGE_NONE      UINT64_MAX // no page: the root of an empty tree
#define PAGE_DEPTH_MAX 32         // as LMDB has it

enum { PAGE_FIRST = 2, PAGE_KEY_MAX = 511 }; // the pages before are headers (header.h)
enum page_flag { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_HEADER = 8 };
enum page_node_flag { PAGE_NODE_BIG = 1, PAGE_NODE_TREE = 2 };

struct page_tree {
    uint64_t root;
    unsigned depth;
    uint64_t n_branches; // pages
    uint64_t n_leaves;
    uint64_t n_overflows;
    uint64_t n_entries;
};

// One snapshot of the file: the pages 0 to n - 1 belong to it.
struct pages {
    const uint8_t *at;
    size_t n_bytes; // of a page
    uint64_t n;
    uint64_t txn;          // the transaction that made it
    struct page_tree free; // its records are lists of free pages, their keys numbers of transactions
    struct page_tree main; // its records are the named trees
};

// The layouts are LMDB's structs, in the machine's own byte order.
struct page_head {
    size_t number;
    uint16_t unused;
    uint16_t flags;
    union {
        struct {
            uint16_t lower;
            uint16_t upper;
        };
        uint32_t n_pages; // of PAGE_OVERFLOW
    };
};

struct page_node_head {
    uint32_t number; // the size of a record, or the lower half of a child's number
    uint16_t flags;  // or the upper part of it
    uint16_t n_key;
};

// A page of a tree whose head is sound.
struct page {
    const uint8_t *at;
    unsigned n_nodes;
    unsigned upper; // no node lies before
    bool is_leaf;
};

static inline bool page_is_in(const struct pages *pages, uint64_t number)
{
    return number >= PAGE_FIRST && number < pages->n;
}

// False: the page is not one of a tree.
static inline bool page_open(const struct pages *pages, uint64_t number, struct page *page)
{
    struct page_head head;
    if (!page_is_in(pages, number))
        return false;
    const uint8_t *at = pages->at + number * pages->n_bytes;
    memcpy(&head, at, sizeof head);
    bool is_leaf = head.flags == PAGE_LEAF;
    *page = (struct page){at, (unsigned)(head.lower - sizeof head) / 2, head.upper, is_leaf};
    return head.number == number && (is_leaf || head.flags == PAGE_BRANCH) && head.lower > sizeof head &&
           head.lower % 2 == 0 && head.lower <= head.upper && head.upper <= pages->n_bytes;
}

// The place of a node in its page, as the page says it.
static inline unsigned page_place(const struct page *page, unsigned which)
{
    uint16_t at;
    memcpy(&at, page->at + sizeof(struct page_head) + 2 * (size_t)which, sizeof at);
    return at;
}

// Reads the head and the key of the node at a place. False: they do not lie in the page.
static inline bool page_open_node(const struct pages *pages, const struct page *page, size_t place,
                                  struct page_node_head *head, struct bytes *key)
{
    if (place < page->upper || place % 2 != 0 || place + sizeof *head > pages->n_bytes)
        return false;
    memcpy(head, page->at + place, sizeof *head);
    *key = (struct bytes){page->at + place + sizeof *head, head->n_key};
    return head->n_key <= PAGE_KEY_MAX && head->n_key <= pages->n_bytes - place - sizeof *head;
}

static inline uint64_t page_child(const struct page_node_head *head)
{
    return sizeof(size_t) > 4 ? head->number | (uint64_t)head->flags << 32 : head->number;
}

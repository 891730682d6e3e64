// SPDX-License-Identifier: MIT
// Checking all of a store takes about a second for each gigabyte that is in memory, and far longer from a disk. So at
// the start a small store is checked whole; of a larger one, what LMDB leans on at every write: headers, the list of
// free pages, the table of trees. What is left is looked at when it is needed: by descent.c when a query comes, and by
// check_path before a change, so that LMDB only ever writes into pages that were found whole.
//
// The walk through a tree carries the range of keys that a page may hold, from the branches above it. Each page that is
// met, used or free, is noted in a bitmap; one that is met twice belongs to two owners, and a write to one would be a
// write to the other.
#include "check.h"

#include "header.h"
#include "record.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// --- Headers ---

static enum err read_headers(int fd, struct pages pages[2], uint8_t space[2][HEADER_MAX_BYTES])
{
    off_t at = 0;
    for (unsigned i = 0; i < 2; i++) {
        ssize_t n = pread(fd, space[i], HEADER_MAX_BYTES, at);
        if (n < 0)
            return ERR_SYSTEM;
        enum err err = header_read_lightly(&pages[i], (struct bytes){space[i], (size_t)n}, i);
        if (err != ERR_OK)
            return err;
        at = (off_t)pages[0].n_bytes;
    }
    return ERR_OK;
}

// Transactions write the headers in turn, so their numbers are neighbours. In a file that is new both are the same.
static bool are_neighbours(const struct pages pages[2], uint8_t space[2][HEADER_MAX_BYTES])
{
    enum { NUMBER_BYTES = sizeof(size_t) }; // in front, each page has its own
    if (pages[0].n_bytes != pages[1].n_bytes)
        return false;
    if (pages[0].txn == 0 && pages[1].txn == 0)
        return memcmp(space[0] + NUMBER_BYTES, space[1] + NUMBER_BYTES, HEADER_MAX_BYTES - NUMBER_BYTES) == 0;
    return pages[0].txn % 2 == 0 && (pages[0].txn + 1 == pages[1].txn || pages[1].txn + 1 == pages[0].txn);
}

enum err check_headers(int fd, const char **why)
{
    struct stat file;
    struct pages pages[2];
    uint8_t space[2][HEADER_MAX_BYTES];
    enum err err = fstat(fd, &file) == 0 ? ERR_OK : ERR_SYSTEM;
    if (err == ERR_OK && file.st_size == 0)
        return ERR_OK;
    if (err == ERR_OK)
        err = read_headers(fd, pages, space);
    if (err == ERR_OK) { // the other one may have been left half written
        unsigned newest = pages[1].txn > pages[0].txn;
        err = header_read(&pages[newest], (struct bytes){space[newest], HEADER_MAX_BYTES}, newest);
    }
    if (err == ERR_OK && !are_neighbours(pages, space)) {
        *why = "its two headers do not fit together";
        return ERR_CORRUPT;
    }
    *why = err == ERR_OK || err == ERR_SYSTEM ? strerror(errno)
                                              : mdb_strerror(err == ERR_NEWER ? MDB_VERSION_MISMATCH : MDB_INVALID);
    return err;
}

// --- Trees ---

struct walk {
    const struct pages *pages; // as far as the file has them
    uint64_t n;                // as the header says
    uint8_t *seen;             // a bit for each
    unsigned n_tables;         // of ours that were met
    const char **why;
};

// One tree of them.
struct tree_walk {
    struct walk *walk;
    const struct page_tree *tree;
    bool is_number;
    enum err (*on_node)(struct walk *walk, const struct page_node *node); // for each in a leaf
    struct page_tree found;                                               // counts
};

static enum err refuse(const struct walk *walk, const char *why)
{
    *walk->why = why;
    return ERR_CORRUPT;
}

static enum err see(struct walk *walk, uint64_t page, uint64_t n)
{
    for (uint64_t i = page; i < page + n; i++) {
        if ((walk->seen[i / 8] & 1u << i % 8) != 0)
            return refuse(walk, "a page is used twice");
        walk->seen[i / 8] |= (uint8_t)(1u << i % 8);
    }
    return ERR_OK;
}

// The range of the keys below a node of a branch.
static struct page_node_range range_below(const struct pages *pages, const struct page *page, unsigned which,
                                          struct page_node_range range)
{
    struct page_node node;
    if (which > 0 && page_node_read(pages, page, which, &node) == ERR_OK)
        range.from = node.key;
    if (which + 1 < page->n_nodes && page_node_read(pages, page, which + 1, &node) == ERR_OK)
        range.below = node.key;
    return range;
}

static enum err walk_leaf(struct tree_walk *self, const struct page_node *node)
{
    self->found.n_entries++;
    self->found.n_overflows += node->n_big;
    enum err err = see(self->walk, node->big, node->n_big);
    return err == ERR_OK ? self->on_node(self->walk, node) : err;
}

// NOLINTNEXTLINE(misc-no-recursion): at most PAGE_DEPTH_MAX deep
static enum err walk_page(struct tree_walk *self, uint64_t number, unsigned level, struct page_node_range range)
{
    const struct pages *pages = self->walk->pages;
    struct page page;
    if (page_node_check_page(pages, number, range, self->is_number, &page) != ERR_OK ||
        page.is_leaf != (level == self->tree->depth))
        return refuse(self->walk, "a page is damaged");
    enum err err = see(self->walk, number, 1);
    *(page.is_leaf ? &self->found.n_leaves : &self->found.n_branches) += 1;
    for (unsigned i = 0; i < page.n_nodes && err == ERR_OK; i++) {
        struct page_node node = {0};
        err = page_node_read(pages, &page, i, &node);
        if (err != ERR_OK)
            break;
        if (page.is_leaf)
            err = walk_leaf(self, &node);
        else
            err = walk_page(self, node.child, level + 1, range_below(pages, &page, i, range));
    }
    return err;
}

static enum err walk_tree(struct tree_walk *self)
{
    if (self->tree->root == PAGE_NONE)
        return ERR_OK;
    enum err err = walk_page(self, self->tree->root, 1, (struct page_node_range){0});
    if (err == ERR_OK &&
        (self->found.n_entries != self->tree->n_entries || self->found.n_leaves != self->tree->n_leaves ||
         self->found.n_branches != self->tree->n_branches || self->found.n_overflows != self->tree->n_overflows))
        err = refuse(self->walk, "a tree does not hold what its root says");
    return err;
}

// A list of free pages: how many, then their numbers, the largest first.
static enum err on_free_list(struct walk *walk, const struct page_node *node)
{
    size_t n, number, last = walk->n;
    enum err err = ERR_OK;
    if (node->record.n < sizeof n || node->record.n % sizeof n != 0)
        return refuse(walk, "the list of free pages is damaged");
    memcpy(&n, node->record.at, sizeof n);
    if (n != node->record.n / sizeof n - 1)
        return refuse(walk, "the list of free pages is damaged");
    for (size_t i = 1; i <= n && err == ERR_OK; i++, last = number) {
        memcpy(&number, node->record.at + i * sizeof number, sizeof number);
        err = number < 2 || number >= last ? refuse(walk, "the list of free pages is damaged") : see(walk, number, 1);
    }
    return err;
}

static enum err on_sealed(struct walk *walk, const struct page_node *node)
{
    struct bytes record = node->record;
    if (node->flags == PAGE_NODE_TREE || record_unseal(node->key, &record) != ERR_OK)
        return refuse(walk, "a record is damaged");
    return ERR_OK;
}

static enum err on_other(struct walk *walk, const struct page_node *node)
{
    return node->flags == PAGE_NODE_TREE ? refuse(walk, "a record is damaged") : ERR_OK;
}

static const struct {
    const char *name;
    bool is_large; // grows with the accounts
    enum err (*on_node)(struct walk *walk, const struct page_node *node);
} tables[] = {{"meta", false, on_other}, {"accounts", true, on_sealed}, {"values", true, on_sealed}};

enum { N_TABLES = sizeof tables / sizeof tables[0] };

static enum err walk_table(struct walk *walk, const struct page_node *node, bool is_full)
{
    struct page_tree tree;
    struct tree_walk self = {.walk = walk, .tree = &tree, .on_node = on_other};
    bool is_large = false;
    if (node->flags != PAGE_NODE_TREE || header_read_tree(walk->pages, node->record, &tree) != ERR_OK)
        return refuse(walk, "the table of trees is damaged");
    for (size_t i = 0; i < N_TABLES; i++)
        if (bytes_equal(node->key, bytes_of_text(tables[i].name))) {
            walk->n_tables++;
            is_large = tables[i].is_large;
            self.on_node = tables[i].on_node;
        }
    struct page root;
    if (is_full || !is_large || tree.root == PAGE_NONE)
        return walk_tree(&self);
    if (page_node_check_page(walk->pages, tree.root, (struct page_node_range){0}, false, &root) != ERR_OK)
        return refuse(walk, "a page is damaged");
    return see(walk, tree.root, 1);
}

static enum err on_table_full(struct walk *walk, const struct page_node *node)
{
    return walk_table(walk, node, true);
}

static enum err on_table_quick(struct walk *walk, const struct page_node *node)
{
    return walk_table(walk, node, false);
}

static bool are_all_seen(const struct walk *walk, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        if ((walk->seen[i / 8] & 1u << i % 8) == 0)
            return false;
    return true;
}

enum err check_file(const struct pages *pages, const struct check_extent *extent, const char **why)
{
    struct pages there = *pages;
    struct walk walk = {.pages = &there, .n = pages->n, .seen = calloc(pages->n / 8 + 1, 1), .why = why};
    if (walk.seen == NULL)
        return ERR_MEMORY;
    if (there.n > extent->n_there)
        there.n = extent->n_there;
    struct tree_walk free_pages = {.walk = &walk, .tree = &pages->free, .is_number = true, .on_node = on_free_list};
    struct tree_walk main_tree = {
        .walk = &walk, .tree = &pages->main, .on_node = pages->n <= extent->full_max ? on_table_full : on_table_quick};
    enum err err = walk_tree(&free_pages);
    if (there.n < pages->n && (err != ERR_OK || !are_all_seen(&walk, there.n, pages->n)))
        err = refuse(&walk, "the file is shorter than its header says");
    if (err == ERR_OK)
        err = walk_tree(&main_tree);
    if (err == ERR_OK && pages->txn != 0 && walk.n_tables != N_TABLES) // transaction 0 makes an empty file
        err = refuse(&walk, "a table is missing");
    free(walk.seen);
    return err;
}

// --- One path ---

// The last node whose key is not behind `key`; the first when there is none. The page is whole.
static unsigned find_below(const struct pages *pages, const struct page *page, struct bytes key)
{
    unsigned low = 0, high = page->n_nodes;
    while (high - low > 1) {
        struct page_node node;
        unsigned middle = (low + high) / 2;
        bool is_behind = page_node_read(pages, page, middle, &node) == ERR_OK && page_node_compare(node.key, key) > 0;
        *(is_behind ? &high : &low) = middle;
    }
    return low;
}

// Checks the pages on both sides of the one that the way leads to.
static enum err check_neighbours(const struct pages *pages, const struct page *page, unsigned which,
                                 struct page_node_range range, bool is_leaf)
{
    const unsigned sides[] = {which - 1, which + 1}; // before the first one there is none: it wraps
    for (size_t i = 0; i < 2; i++) {
        struct page_node node;
        struct page side;
        if (sides[i] >= page->n_nodes)
            continue;
        if (page_node_read(pages, page, sides[i], &node) != ERR_OK ||
            page_node_check_page(pages, node.child, range_below(pages, page, sides[i], range), false, &side) !=
                ERR_OK ||
            side.is_leaf != is_leaf)
            return ERR_CORRUPT;
    }
    return ERR_OK;
}

enum err check_path(const struct pages *pages, const struct page_tree *tree, struct bytes key,
                    struct page_node_range *range)
{
    uint64_t number = tree->root;
    *range = (struct page_node_range){0};
    if (number == PAGE_NONE)
        return ERR_OK;
    for (unsigned level = 1;; level++) {
        struct page page;
        struct page_node node;
        bool is_last = level == tree->depth;
        if (page_node_check_page(pages, number, *range, false, &page) != ERR_OK || page.is_leaf != is_last)
            return ERR_CORRUPT;
        if (is_last)
            return ERR_OK;
        unsigned which = find_below(pages, &page, key);
        if (page_node_read(pages, &page, which, &node) != ERR_OK ||
            check_neighbours(pages, &page, which, *range, level + 1 == tree->depth) != ERR_OK)
            return ERR_CORRUPT;
        *range = range_below(pages, &page, which, *range);
        number = node.child;
    }
}

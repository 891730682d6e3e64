// SPDX-License-Identifier: MIT
// All look-ups of a batch go down the B-tree together, a level at a time, and within a page one probe each in turn.
// What a probe will read is asked for a turn before it is needed, so the misses of the whole batch overlap: with ten
// million accounts a look-up takes a quarter of the time that mdb_get takes.
//
// A page that a snapshot can reach does not change while the snapshot lasts, so what is found here is what mdb_get
// would find; stale it cannot be. But nothing on a page is believed: each number, place and length is held against the
// page and the snapshot before it is followed, and the way is as long as the tree says it is deep, no longer.
#include "descent.h"

#include "header.h"
#include "page_node.h"

enum { LINE_BYTES = 64, RANK_BYTES = 8 };

// How a key sorts by its first bytes; 0 for a key that has fewer.
static uint64_t rank_of(struct bytes key)
{
    uint64_t rank;
    if (key.n < RANK_BYTES)
        return 0;
    memcpy(&rank, key.at, sizeof rank);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(rank) : rank;
}

[[gnu::noinline]] static bool is_above_bytewise(struct bytes a, struct bytes b)
{
    return page_node_compare(a, b) > 0;
}

static bool is_above(struct bytes key, const struct descent *descent)
{
    uint64_t rank = rank_of(key);
    if (__builtin_expect(rank == 0 || descent->rank == 0 || rank == descent->rank, false))
        return is_above_bytewise(key, descent->key);
    return rank > descent->rank;
}

[[gnu::always_inline]] static inline void enter(const struct pages *pages, struct descent *descent, uint64_t number)
{
    descent->number = number;
    if (!page_is_in(pages, number)) {
        descent->err = ERR_CORRUPT;
        return;
    }
    __builtin_prefetch(pages->at + number * pages->n_bytes);
    __builtin_prefetch(pages->at + number * pages->n_bytes + LINE_BYTES);
}

// Inlined by force: gcc takes a function that only prefetches for one that does nothing.
[[gnu::always_inline]] static inline void prefetch_probe(const struct descent *descent)
{
    __builtin_prefetch(descent->page.at + page_place(&descent->page, descent->first + descent->n / 2));
}

// All nodes of the page may be the one: the last whose key is not above ours.
static void begin_page(const struct pages *pages, struct descent *descent, bool is_leaf)
{
    if (!page_open(pages, descent->number, &descent->page) || descent->page.is_leaf != is_leaf) {
        descent->err = ERR_CORRUPT;
        return;
    }
    descent->first = 0;
    descent->n = descent->page.n_nodes;
    prefetch_probe(descent);
}

// Halves what may be the one. Among others no branch depends on the key: it would be foretold wrongly every other time,
// and the next one's misses would wait for it. A look-up alone has nothing else to do than to try its luck.
[[gnu::always_inline]] static inline void probe(const struct pages *pages, struct descent *descent, bool is_alone)
{
    struct page_node_head head;
    struct bytes key;
    unsigned half = descent->n / 2;
    if (half == 0)
        return;
    if (!page_open_node(pages, &descent->page, page_place(&descent->page, descent->first + half), &head, &key)) {
        descent->err = ERR_CORRUPT;
        return;
    }
    bool is_before = is_above(key, descent);
    if (!is_alone)
        descent->first += half * !is_before;
    else if (!is_before)
        descent->first += half;
    descent->n -= half;
    prefetch_probe(descent);
}

static void end_in_leaf(const struct pages *pages, struct descent *descent)
{
    struct page_node node;
    descent->err = page_node_read(pages, &descent->page, descent->first, &node);
    if (descent->err != ERR_OK)
        return;
    if (!bytes_equal(node.key, descent->key)) {
        descent->err = ERR_NOT_FOUND;
        return;
    }
    descent->record = node.record;
    __builtin_prefetch(node.record.at + LINE_BYTES);
    __builtin_prefetch(node.record.at + 2 * LINE_BYTES);
}

static void end_in_branch(const struct pages *pages, struct descent *descent)
{
    struct page_node_head head;
    struct bytes key;
    if (page_open_node(pages, &descent->page, page_place(&descent->page, descent->first), &head, &key))
        enter(pages, descent, page_child(&head));
    else
        descent->err = ERR_CORRUPT;
}

// One level for all that have not failed.
static void search_level(const struct pages *pages, struct descent *descents, size_t n, bool is_leaf)
{
    unsigned most = 0;
    for (size_t i = 0; i < n; i++) {
        if (descents[i].err == ERR_OK)
            begin_page(pages, &descents[i], is_leaf);
        if (descents[i].err == ERR_OK && descents[i].n > most)
            most = descents[i].n;
    }
    for (; most > 1 && n == 1; most -= most / 2)
        if (descents->err == ERR_OK)
            probe(pages, descents, true);
    for (; most > 1; most -= most / 2)
        for (size_t i = 0; i < n; i++)
            if (descents[i].err == ERR_OK)
                probe(pages, &descents[i], false);
    for (size_t i = 0; i < n; i++)
        if (descents[i].err == ERR_OK)
            (is_leaf ? end_in_leaf : end_in_branch)(pages, &descents[i]);
}

void descent_find(const struct pages *pages, const struct page_tree *tree, struct descent *descents, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        descents[i].err = tree->root == PAGE_NONE ? ERR_NOT_FOUND : ERR_OK;
        descents[i].rank = rank_of(descents[i].key);
        if (tree->root != PAGE_NONE)
            enter(pages, &descents[i], tree->root);
    }
    for (unsigned level = 1; level <= tree->depth; level++)
        search_level(pages, descents, n, level == tree->depth);
}

enum err descent_find_one(const struct pages *pages, const struct page_tree *tree, struct bytes key,
                          struct bytes *record)
{
    struct descent descent = {.key = key};
    descent_find(pages, tree, &descent, 1);
    if (descent.err == ERR_OK)
        *record = descent.record;
    return descent.err;
}

enum err descent_find_tree(const struct pages *pages, const char *name, struct page_tree *tree)
{
    struct bytes record = {0};
    enum err err = descent_find_one(pages, &pages->main, bytes_of_text(name), &record);
    return err == ERR_OK ? header_read_tree(pages, record, tree) : err;
}

// SPDX-License-Identifier: MIT
// All look-ups of a batch go down the B-tree together, a level at a time, and
// within a page one probe each in turn. What a probe will read is asked for a
// turn before it is needed, so the misses of the whole batch overlap: with ten
// million accounts a look-up takes a quarter of the time that mdb_get takes.
//
// The pages are LMDB's, of its data format 1, numbers in the byte order of the
// machine:
//
//     page    number 8 | - 2 | flags 2 | end of the offsets 2 | - 2 | offsets
//     of its nodes in the order of keys, 2 each node    a 2 | b 2 | c 2 |
//     length of the key 2 | key | record
//             leaf: a, b are the record's length, c is 0 when the record
//             follows; branch: a, b, c are the child's number. The first key of
//             a branch counts as smaller than any other.
//     table   its record in the unnamed table: ... | depth 2 | branches 8 |
//     leaves 8 | - 8 | records 8 | root page 8
//
// A page that a snapshot can reach does not change while the snapshot lasts, so
// what is found here is what mdb_get would find; stale it cannot be. The
// table's record is a node of a page in the map, and a page knows its number:
// so the map's beginning is known too. Whatever does not look as described is
// left to mdb_get.
#include "descent.h"

#include <unistd.h>

enum { PAGE_FLAGS = 10, PAGE_END = 12, PAGE_OFFSETS = 16, NODE_C = 4, NODE_N_KEY = 6, NODE_KEY = 8 };
enum { TABLE_DEPTH = 6, TABLE_LEAVES = 16, TABLE_RECORDS = 32, TABLE_ROOT = 40, TABLE_BYTES = 48 };
enum { BRANCH = 1, LEAF = 2, LINE_BYTES = 64, RANK_BYTES = 8 };

struct tree {
    const uint8_t *map;
    size_t page_bytes;
    uint64_t last_page;
    uint64_t root;
};

static uint16_t u16_at(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t u64_at(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

// A node lies within its page, whatever its offset says.
static const uint8_t *node_at(const struct tree *tree, const uint8_t *page, unsigned i)
{
    return page + (u16_at(page + PAGE_OFFSETS + 2 * i) & (tree->page_bytes - 1));
}

static struct bytes key_of(const uint8_t *node)
{
    return (struct bytes){node + NODE_KEY, u16_at(node + NODE_N_KEY)};
}

// How a key sorts by its first bytes; 0 for a key that has fewer.
static uint64_t rank_of(struct bytes key)
{
    return key.n < RANK_BYTES ? 0 : __builtin_bswap64(u64_at(key.at));
}

// As LMDB sorts: by bytes, then the shorter first.
[[gnu::noinline]] static bool is_above_bytewise(struct bytes a, struct bytes b)
{
    int order = memcmp(a.at, b.at, a.n < b.n ? a.n : b.n);
    return order > 0 || (order == 0 && a.n > b.n);
}

static bool is_above(struct bytes key, const struct descent *descent)
{
    uint64_t rank = rank_of(key);
    if (rank == 0 || descent->rank == 0 || rank == descent->rank)
        return is_above_bytewise(key, descent->key);
    return rank > descent->rank;
}

static void enter(const struct tree *tree, struct descent *descent, uint64_t number)
{
    descent->page = tree->map + (number <= tree->last_page ? number : 0) * tree->page_bytes;
    __builtin_prefetch(descent->page);
    __builtin_prefetch(descent->page + LINE_BYTES);
}

static void prefetch_probe(const struct tree *tree, const struct descent *descent)
{
    __builtin_prefetch(node_at(tree, descent->page, descent->first + descent->n / 2));
}

// All nodes of the page may be the one: the last whose key is not above ours.
static bool begin_page(const struct tree *tree, struct descent *descent, unsigned kind)
{
    descent->first = 0;
    descent->n = (u16_at(descent->page + PAGE_END) - PAGE_OFFSETS) / 2u;
    if (u16_at(descent->page + PAGE_FLAGS) != kind || descent->n == 0 || descent->n > tree->page_bytes / 2)
        return false;
    prefetch_probe(tree, descent);
    return true;
}

// Halves what may be the one.
static void probe(const struct tree *tree, struct descent *descent)
{
    unsigned half = descent->n / 2;
    if (half == 0)
        return;
    bool is_before = is_above(key_of(node_at(tree, descent->page, descent->first + half)), descent);
    descent->first += is_before ? 0 : half;
    descent->n -= half;
    prefetch_probe(tree, descent);
}

static void end_in_leaf(const struct tree *tree, struct descent *descent)
{
    const uint8_t *node = node_at(tree, descent->page, descent->first);
    struct bytes key = key_of(node);
    if (!bytes_equal(key, descent->key)) {
        descent->fate = DESCENT_ABSENT;
        return;
    }
    descent->record = (struct bytes){key.at + key.n, u16_at(node) | (size_t)u16_at(node + 2) << 16};
    if (u16_at(node + NODE_C) != 0 || descent->record.at + descent->record.n > descent->page + tree->page_bytes)
        return; // on pages of its own
    descent->fate = DESCENT_FOUND;
    __builtin_prefetch(descent->record.at + LINE_BYTES);
    __builtin_prefetch(descent->record.at + 2 * LINE_BYTES);
}

static uint64_t child_of(const uint8_t *node)
{
    return u16_at(node) | (uint64_t)u16_at(node + 2) << 16 | (uint64_t)u16_at(node + NODE_C) << 32;
}

// One level for all. True when there is another one below.
static bool search_level(const struct tree *tree, struct descent *descents, size_t n)
{
    unsigned kind = u16_at(descents[0].page + PAGE_FLAGS); // the tree is balanced: the same for all
    unsigned most = 0;
    if (kind != BRANCH && kind != LEAF)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!begin_page(tree, &descents[i], kind))
            return false;
        most = descents[i].n > most ? descents[i].n : most;
    }
    for (; most > 1; most -= most / 2)
        for (size_t i = 0; i < n; i++)
            probe(tree, &descents[i]);
    for (size_t i = 0; i < n; i++) {
        if (kind == LEAF)
            end_in_leaf(tree, &descents[i]);
        else
            enter(tree, &descents[i], child_of(node_at(tree, descents[i].page, descents[i].first)));
    }
    return kind == BRANCH;
}

static bool find_table(const struct env *env, MDB_txn *txn, struct bytes *table)
{
    static const struct bytes name = {(const uint8_t *)"values", 6};
    return env_get(txn, env->tables, name, table) == ERR_OK && table->n == TABLE_BYTES;
}

static bool find_tree(struct tree *tree, const struct env *env, MDB_txn *txn)
{
    struct bytes table;
    MDB_envinfo info;
    if (env->page_bytes == 0 || !find_table(env, txn, &table) || mdb_env_info(env->mdb, &info) != MDB_SUCCESS)
        return false;
    const uint8_t *page = table.at - ((uintptr_t)table.at & (env->page_bytes - 1));
    tree->page_bytes = env->page_bytes;
    tree->map = page - u64_at(page) * env->page_bytes;
    tree->last_page = info.me_last_pgno;
    tree->root = u64_at(table.at + TABLE_ROOT);
    return tree->root <= tree->last_page;
}

void descent_find(const struct env *env, MDB_txn *txn, struct descent *descents, size_t n)
{
    struct tree tree;
    for (size_t i = 0; i < n; i++)
        descents[i].fate = DESCENT_UNKNOWN;
    if (n == 0 || !find_tree(&tree, env, txn))
        return;
    for (size_t i = 0; i < n; i++) {
        descents[i].rank = rank_of(descents[i].key);
        enter(&tree, &descents[i], tree.root);
    }
    while (search_level(&tree, descents, n))
        ;
}

bool descent_is_possible(const struct env *env, MDB_txn *txn)
{
    int major, minor;
    struct bytes table;
    MDB_stat stat;
    mdb_version(&major, &minor, NULL);
    return major == 0 && minor == 9 && mdb_stat(txn, env->values, &stat) == MDB_SUCCESS &&
           stat.ms_psize == sysconf(_SC_PAGESIZE) && find_table(env, txn, &table) &&
           u16_at(table.at + TABLE_DEPTH) == stat.ms_depth && u64_at(table.at + TABLE_LEAVES) == stat.ms_leaf_pages &&
           u64_at(table.at + TABLE_RECORDS) == stat.ms_entries;
}

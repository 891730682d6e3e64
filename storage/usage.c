// SPDX-License-Identifier: MIT
// LMDB's file never shrinks: what is deleted is noted in a table of free pages and used again later. So a store that
// has grown to the end of its map is not yet full; it is when there are no free pages either. Each record of that table
// begins with the number of pages it names.
//
// A store with more than RECORDS_MAX such records is said to have less free than it has, rather than to be read for
// long.
#include "usage.h"

#include "page_node.h"
#include "shield.h"

#include <string.h>
#include <sys/statvfs.h>

enum { RECORDS_MAX = 1024 };

struct counting {
    const struct pages *pages;
    unsigned n_records;
    uint64_t n_pages;
    enum err err;
};

static void count_record(struct counting *counting, struct bytes record)
{
    size_t n = 0;
    if (record.n >= sizeof n)
        memcpy(&n, record.at, sizeof n);
    counting->n_pages += n;
    counting->n_records++;
}

// NOLINTNEXTLINE(misc-no-recursion): at most PAGE_DEPTH_MAX deep
static enum err count_below(struct counting *counting, uint64_t number, unsigned levels)
{
    struct page page;
    if (!page_open(counting->pages, number, &page) || page.is_leaf != (levels == 1))
        return ERR_CORRUPT;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < page.n_nodes && counting->n_records < RECORDS_MAX && err == ERR_OK; i++) {
        struct page_node node;
        err = page_node_read(counting->pages, &page, i, &node);
        if (err == ERR_OK && page.is_leaf)
            count_record(counting, node.record);
        else if (err == ERR_OK)
            err = count_below(counting, node.child, levels - 1);
    }
    return err;
}

static void count_free(void *arg)
{
    struct counting *counting = arg;
    const struct page_tree *tree = &counting->pages->free;
    counting->err = tree->root == PAGE_NONE ? ERR_OK : count_below(counting, tree->root, tree->depth);
}

static enum err read_disk(const struct env *env, struct store_usage *usage)
{
    struct statvfs disk;
    if (statvfs(env->directory, &disk) != 0)
        return ERR_SYSTEM;
    usage->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    usage->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return ERR_OK;
}

enum err usage_read(const struct snapshot *snapshot, struct store_usage *usage)
{
    const struct env *env = snapshot->env;
    struct counting counting = {.pages = &snapshot->pages};
    struct store_usage out;
    if (!shield_run(count_free, &counting))
        return ERR_STORE;
    enum err err = counting.err == ERR_OK ? read_disk(env, &out) : counting.err;
    if (err != ERR_OK)
        return err;
    out.n_accounts = snapshot->trees[ENV_ACCOUNTS].n_entries;
    out.map_bytes = env->map.n;
    out.used_bytes = snapshot->pages.n * env->page_bytes;
    out.free_bytes = counting.n_pages * env->page_bytes;
    *usage = out;
    return ERR_OK;
}

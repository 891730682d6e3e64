// SPDX-License-Identifier: MIT
// The way from the root to the leaf that is read is kept, with the node that comes next in each of its pages. A page
// that is damaged is left out, once it has been told.
#include "scan.h"

#include "page_node.h"
#include "shield.h"

void scan_begin(struct scan *scan, struct snapshot *snapshot, enum env_table table)
{
    *scan = (struct scan){.snapshot = snapshot, .table = table};
}

struct stepping {
    struct scan *scan;
    struct bytes key;
    struct bytes record;
    enum err err;
};

// Whether the page is what has to be there: a leaf at the tree's depth, a branch before.
static enum err enter(struct scan *self, uint64_t number)
{
    const struct page_tree *tree = &self->snapshot->trees[self->table];
    struct page page;
    if (self->depth == PAGE_DEPTH_MAX || !page_open(&self->snapshot->pages, number, &page) ||
        page.is_leaf != (self->depth + 1 == tree->depth))
        return ERR_CORRUPT;
    self->way[self->depth++] = (struct scan_level){.page = page};
    return ERR_OK;
}

static enum err find_next(struct stepping *stepping)
{
    struct scan *self = stepping->scan;
    const struct page_tree *tree = &self->snapshot->trees[self->table];
    enum err err = ERR_OK;
    if (!self->has_begun && tree->root != PAGE_NONE)
        err = enter(self, tree->root);
    self->has_begun = true;
    while (err == ERR_OK && self->depth > 0) {
        struct scan_level *level = &self->way[self->depth - 1];
        struct page_node node;
        if (level->next == level->page.n_nodes) {
            self->depth--;
            continue;
        }
        err = page_node_read(&self->snapshot->pages, &level->page, level->next++, &node);
        if (err == ERR_OK && level->page.is_leaf) {
            memcpy(self->key_space, node.key.at, node.key.n);
            stepping->key = (struct bytes){self->key_space, node.key.n};
            stepping->record = node.record;
            return ERR_OK;
        }
        if (err == ERR_OK)
            err = enter(self, node.child);
    }
    return err == ERR_OK ? ERR_NOT_FOUND : err;
}

static void step(void *arg)
{
    struct stepping *stepping = arg;
    stepping->err = find_next(stepping);
}

enum err scan_next(struct scan *scan, struct bytes *key, struct bytes *record)
{
    struct stepping stepping = {.scan = scan};
    *key = (struct bytes){0};
    if (!shield_run(step, &stepping)) {
        env_tell_damage(scan->snapshot->env, "a page cannot be read");
        return ERR_STORE;
    }
    if (stepping.err != ERR_OK)
        return stepping.err;
    *key = stepping.key;
    const struct descent found = {.key = stepping.key, .record = stepping.record};
    return snapshot_take(scan->snapshot, scan->table, &found, record);
}

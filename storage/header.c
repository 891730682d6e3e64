// SPDX-License-Identifier: MIT
// The file (data version 1, the same in all of 0.9): pages of equal size. Pages 0 and 1 are headers, written in turn by
// one transaction after the other; each says where the roots of two trees are, how many pages are in use, and which
// transaction wrote it.
#include "header.h"

enum { MAGIC = 0xBEEFC0DE, VERSION = 1, PAGE_BYTES_MIN = 512, PAGE_BYTES_MAX = 65536 };
enum { FREE_FLAGS = 8 }; // keys are numbers

struct tree_record {
    uint32_t n_bytes; // in the first tree: the size of a page
    uint16_t flags;
    uint16_t depth;
    size_t n_branches;
    size_t n_leaves;
    size_t n_overflows;
    size_t n_entries;
    size_t root;
};

struct header {
    uint32_t magic;
    uint32_t version;
    size_t address;
    size_t map_bytes;
    struct tree_record free;
    struct tree_record main;
    size_t last;
    size_t txn;
};

_Static_assert(sizeof(struct page_head) + sizeof(struct header) <= HEADER_MAX_BYTES, "a header fits");

static enum err read_tree(const struct pages *pages, const struct tree_record *record, struct page_tree *tree)
{
    bool is_empty = record->root == SIZE_MAX;
    if (record->depth > PAGE_DEPTH_MAX || is_empty != (record->depth == 0) || is_empty != (record->n_entries == 0) ||
        (!is_empty && !page_is_in(pages, record->root)))
        return ERR_CORRUPT;
    *tree = (struct page_tree){.root = is_empty ? PAGE_NONE : record->root,
                               .depth = record->depth,
                               .n_branches = record->n_branches,
                               .n_leaves = record->n_leaves,
                               .n_overflows = record->n_overflows,
                               .n_entries = record->n_entries};
    return ERR_OK;
}

static bool is_page_size(uint32_t n)
{
    return n >= PAGE_BYTES_MIN && n <= PAGE_BYTES_MAX && (n & (n - 1)) == 0;
}

static enum err read_header(struct bytes bytes, unsigned which, struct header *header)
{
    struct page_head head;
    if (bytes.n < sizeof head + sizeof *header)
        return ERR_CORRUPT;
    memcpy(&head, bytes.at, sizeof head);
    memcpy(header, bytes.at + sizeof head, sizeof *header);
    if (head.number != which || head.flags != PAGE_HEADER || header->magic != MAGIC)
        return ERR_CORRUPT;
    if (header->version != VERSION)
        return ERR_NEWER;
    return is_page_size(header->free.n_bytes) ? ERR_OK : ERR_CORRUPT;
}

enum err header_read_lightly(struct pages *pages, struct bytes bytes, unsigned which)
{
    struct header header;
    enum err err = read_header(bytes, which, &header);
    if (err == ERR_OK)
        *pages = (struct pages){.at = pages->at, .n_bytes = header.free.n_bytes, .txn = header.txn};
    return err;
}

enum err header_read(struct pages *pages, struct bytes bytes, unsigned which)
{
    struct header header;
    enum err err = read_header(bytes, which, &header);
    if (err != ERR_OK)
        return err;
    if (header.free.flags != FREE_FLAGS || header.main.flags != 0 || header.last < PAGE_FIRST - 1 ||
        header.last >= header.map_bytes / header.free.n_bytes)
        return ERR_CORRUPT;
    struct pages out = {.at = pages->at, .n_bytes = header.free.n_bytes, .n = header.last + 1, .txn = header.txn};
    err = read_tree(&out, &header.free, &out.free);
    if (err == ERR_OK)
        err = read_tree(&out, &header.main, &out.main);
    if (err == ERR_OK)
        *pages = out;
    return err;
}

enum err header_open(struct pages *pages, struct bytes map, size_t n_bytes, uint64_t txn)
{
    unsigned which = txn & 1;
    if (map.n < 2 * n_bytes)
        return ERR_CORRUPT;
    struct pages out = {.at = map.at};
    enum err err = header_read(&out, (struct bytes){map.at + which * n_bytes, n_bytes}, which);
    if (err != ERR_OK)
        return err;
    if (out.txn != txn)
        return ERR_NOT_FOUND;
    if (out.n_bytes != n_bytes || out.n > map.n / n_bytes)
        return ERR_CORRUPT;
    *pages = out;
    return ERR_OK;
}

void header_write_other(const struct pages *pages, uint8_t bytes[static HEADER_MAX_BYTES])
{
    struct page_head head;
    struct header header;
    const uint8_t *at = pages->at + (pages->txn & 1) * pages->n_bytes;
    memcpy(bytes, at, HEADER_MAX_BYTES);
    memcpy(&head, bytes, sizeof head);
    memcpy(&header, bytes + sizeof head, sizeof header);
    head.number ^= 1;
    header.txn--;
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, &header, sizeof header);
}

enum err header_read_tree(const struct pages *pages, struct bytes bytes, struct page_tree *tree)
{
    struct tree_record record;
    if (bytes.n != sizeof record)
        return ERR_CORRUPT;
    memcpy(&record, bytes.at, sizeof record);
    return record.flags != 0 ? ERR_CORRUPT : read_tree(pages, &record, tree);
}

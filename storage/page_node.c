// SPDX-License-Identifier: MIT
// A page of a tree begins with its own number, what it is, and where its free space begins (`lower`) and ends
// (`upper`). Up to `lower` stand the places of its nodes in the order of their keys; from `upper` on lie the nodes,
// without gaps, in the order in which they came. A node is a number, flags, the length of the key, the key and, in a
// leaf, the record or the number of the pages that hold it. In a branch the first node's key is not used.
#include "page_node.h"

enum { PAGE_BYTES_MAX = 65536 };

_Static_assert(sizeof(struct page_head) == 16 && sizeof(struct page_node_head) == 8, "no padding");

// How many bytes a node takes, from its head on. 0: more than are there.
static size_t length_of(const struct pages *pages, const struct page *page, size_t place,
                        const struct page_node_head *head)
{
    size_t n = sizeof *head + head->n_key;
    if (page->is_leaf)
        n += (head->flags & PAGE_NODE_BIG) != 0 ? sizeof(size_t) : head->number;
    return n <= pages->n_bytes - place ? n : 0;
}

// A record on pages of its own: one head, then the bytes.
static enum err open_big(const struct pages *pages, struct page_node *node, size_t n_record)
{
    struct page_head head;
    if (!page_is_in(pages, node->big))
        return ERR_CORRUPT;
    const uint8_t *at = pages->at + node->big * pages->n_bytes;
    memcpy(&head, at, sizeof head);
    if (head.number != node->big || head.flags != PAGE_OVERFLOW || head.n_pages == 0 ||
        head.n_pages > pages->n - node->big || n_record > head.n_pages * pages->n_bytes - sizeof head)
        return ERR_CORRUPT;
    node->n_big = head.n_pages;
    node->record = (struct bytes){at + sizeof head, n_record};
    return ERR_OK;
}

static enum err read_leaf(const struct pages *pages, const struct page_node_head *head, struct page_node *node)
{
    node->flags = head->flags;
    node->record = (struct bytes){node->key.at + node->key.n, head->number};
    if (head->flags == 0 || head->flags == PAGE_NODE_TREE)
        return ERR_OK;
    if (head->flags != PAGE_NODE_BIG)
        return ERR_CORRUPT;
    size_t big;
    memcpy(&big, node->record.at, sizeof big);
    node->big = big;
    return open_big(pages, node, head->number);
}

enum err page_node_read(const struct pages *pages, const struct page *page, unsigned which, struct page_node *node)
{
    struct page_node_head head;
    struct page_node out = {0};
    size_t place = page_place(page, which);
    if (!page_open_node(pages, page, place, &head, &out.key) || length_of(pages, page, place, &head) == 0)
        return ERR_CORRUPT;
    if (!page->is_leaf)
        out.child = page_child(&head);
    enum err err = ERR_OK;
    if (page->is_leaf)
        err = read_leaf(pages, &head, &out);
    else if (!page_is_in(pages, out.child))
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        *node = out;
    return err;
}

int page_node_compare(struct bytes a, struct bytes b)
{
    int order = memcmp(a.at, b.at, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

// Whether the nodes lie side by side from `upper` to the page's end, each once.
static bool are_places_sound(const struct pages *pages, const struct page *page)
{
    uint8_t starts[PAGE_BYTES_MAX / 16]; // a bit for each even place
    struct page_node_head head;
    struct bytes key;
    memset(starts, 0, pages->n_bytes / 16);
    for (unsigned i = 0; i < page->n_nodes; i++) {
        size_t at = page_place(page, i);
        if (at >= pages->n_bytes || at % 2 != 0)
            return false;
        starts[at / 16] |= (uint8_t)(1u << at / 2 % 8);
    }
    unsigned n_nodes = 0;
    for (size_t at = page->upper; at < pages->n_bytes; n_nodes++) {
        if ((starts[at / 16] & 1u << at / 2 % 8) == 0 || !page_open_node(pages, page, at, &head, &key))
            return false;
        size_t n = length_of(pages, page, at, &head);
        if (n == 0)
            return false;
        at += (n + 1) / 2 * 2;
    }
    return n_nodes == page->n_nodes;
}

static int compare_numbers(struct bytes a, struct bytes b)
{
    size_t x, y;
    memcpy(&x, a.at, sizeof x);
    memcpy(&y, b.at, sizeof y);
    return (x > y) - (x < y);
}

enum err page_node_check_page(const struct pages *pages, uint64_t number, struct page_node_range range, bool is_number,
                              struct page *page)
{
    int (*const order)(struct bytes, struct bytes) = is_number ? compare_numbers : page_node_compare;
    if (!page_open(pages, number, page) || page->upper % 2 != 0 || !are_places_sound(pages, page))
        return ERR_CORRUPT;
    struct bytes last = range.from;
    for (unsigned i = 0; i < page->n_nodes; i++) {
        struct page_node node;
        enum err err = page_node_read(pages, page, i, &node);
        if (err != ERR_OK)
            return err;
        if (!page->is_leaf && i == 0)
            continue;
        bool is_first = i == (page->is_leaf ? 0 : 1);
        if (node.key.n == 0 || (is_number && node.key.n != sizeof(size_t)) ||
            (last.at != NULL && order(last, node.key) >= (is_first ? 1 : 0)) ||
            (range.below.at != NULL && order(node.key, range.below) >= 0))
            return ERR_CORRUPT;
        last = node.key;
    }
    return ERR_OK;
}

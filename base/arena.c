// SPDX-License-Identifier: MIT
// arena: a list of what was allocated, freed in one walk.
//
// One block of malloc for each thing taken, with a link in front: no cleverness to hide an overrun from the sanitizers.
#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>

struct block {
    alignas(max_align_t) struct block *next;
};

struct arena {
    struct block *first;
};

enum err arena_new(struct arena **arena)
{
    struct arena *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ERR_MEMORY;
    *arena = made;
    return ERR_OK;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->first != NULL) {
        struct block *block = arena->first;
        arena->first = block->next;
        free(block);
    }
    free(arena);
}

void *arena_take(struct arena *arena, size_t n, size_t size)
{
    size_t n_bytes;
    if (__builtin_mul_overflow(n, size, &n_bytes) || __builtin_add_overflow(n_bytes, sizeof(struct block), &n_bytes))
        return NULL;
    struct block *block = calloc(1, n_bytes);
    if (block == NULL)
        return NULL;
    block->next = arena->first;
    arena->first = block;
    return block + 1;
}

char *arena_take_text(struct arena *arena, struct bytes text)
{
    char *copy = arena_take(arena, text.n + 1, 1);
    if (copy != NULL && text.n != 0)
        memcpy(copy, text.at, text.n);
    return copy;
}

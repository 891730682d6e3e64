// SPDX-License-Identifier: MIT
// A handful of replicas in an array that is searched from its front.
#include "live.h"

#include <ctype.h>
#include <stdlib.h>

enum { REPLICAS_MIN = 8 };

static struct live_replica *find(const struct live *live, struct bytes id)
{
    for (size_t i = 0; i < live->n; i++)
        if (bytes_equal(bytes_of_text(live->at[i].id), id))
            return &live->at[i];
    return NULL;
}

static uint64_t parse_number(struct bytes text)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!isdigit(text.at[i]) || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.at[i] - '0'), &number))
            return 0;
    }
    return number;
}

void live_clear(struct live *live)
{
    live->n = 0;
}

void live_free(struct live *live)
{
    free(live->at);
    *live = (struct live){0};
}

static enum err grow(struct live *live)
{
    size_t n_max = live->n_max == 0 ? REPLICAS_MIN : 2 * live->n_max;
    struct live_replica *at = realloc(live->at, n_max * sizeof *at);
    if (at == NULL)
        return ERR_MEMORY;
    live->at = at;
    live->n_max = n_max;
    return ERR_OK;
}

enum err live_note(struct live *live, const struct live_replica *replica, struct bytes text)
{
    struct live_replica *known = find(live, bytes_of_text(replica->id));
    if (known != NULL && known->said >= replica->said)
        return ERR_OK;
    if (known == NULL) {
        enum err err = live->n == live->n_max ? grow(live) : ERR_OK;
        if (err != ERR_OK)
            return err;
        known = &live->at[live->n++];
    }
    *known = *replica;
    known->applied = parse_number(text);
    return ERR_OK;
}

void live_drop(struct live *live, struct bytes id, uint64_t revision)
{
    struct live_replica *known = find(live, id);
    if (known != NULL && known->said < revision)
        *known = live->at[--live->n];
}

bool live_is_first(const struct live *live, const char *own)
{
    const struct live_replica *self = find(live, bytes_of_text(own));
    for (size_t i = 0; i < live->n && self != NULL; i++)
        if (live->at[i].since < self->since)
            return false;
    return self != NULL;
}

bool live_have_applied(const struct live *live, uint64_t revision, const char *own)
{
    for (size_t i = 0; i < live->n; i++) {
        const struct live_replica *replica = &live->at[i];
        if (replica->since < revision && replica->applied < revision && strcmp(replica->id, own) != 0)
            return false;
    }
    return true;
}

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

// The replica of this name, which is added as one that has said nothing when it is not there; a null pointer: no
// memory.
static struct live_replica *meet(struct live *live, const struct live_replica *replica)
{
    struct live_replica *known = find(live, bytes_of_text(replica->id));
    if (known != NULL)
        return known;
    if (live->n == live->n_max && grow(live) != ERR_OK)
        return NULL;
    known = &live->at[live->n++];
    *known = *replica;
    known->said = known->applied = 0;
    return known;
}

enum err live_meet(struct live *live, const struct live_replica *replica)
{
    return meet(live, replica) == NULL ? ERR_MEMORY : ERR_OK;
}

enum err live_note(struct live *live, const struct live_replica *replica, struct bytes text)
{
    struct live_replica *known = meet(live, replica);
    if (known == NULL)
        return ERR_MEMORY;
    known->is_listed = true;
    if (known->said >= replica->said)
        return ERR_OK;
    known->said = replica->said;
    known->applied = parse_number(text);
    known->gone_ms = 0;
    return ERR_OK;
}

static void drop(struct live_replica *known, uint64_t revision, int64_t now_ms)
{
    if (known->said >= revision || known->gone_ms != 0)
        return;
    known->said = revision;
    known->gone_ms = now_ms;
}

void live_drop(struct live *live, struct bytes id, uint64_t revision, int64_t now_ms)
{
    struct live_replica *known = find(live, id);
    if (known != NULL)
        drop(known, revision, now_ms);
}

void live_begin_list(struct live *live)
{
    for (size_t i = 0; i < live->n; i++)
        live->at[i].is_listed = false;
}

void live_end_list(struct live *live, uint64_t revision, int64_t now_ms)
{
    for (size_t i = 0; i < live->n; i++)
        if (!live->at[i].is_listed)
            drop(&live->at[i], revision, now_ms);
}

static bool has_gone(const struct live_replica *replica, int64_t then_ms)
{
    return replica->gone_ms != 0 && replica->gone_ms < then_ms;
}

bool live_take_gone(struct live *live, int64_t then_ms, char id[KEY_REPLICA_MAX + 1])
{
    for (size_t i = 0; i < live->n; i++) {
        if (!has_gone(&live->at[i], then_ms))
            continue;
        memcpy(id, live->at[i].id, KEY_REPLICA_MAX + 1);
        live->at[i] = live->at[--live->n];
        return true;
    }
    return false;
}

bool live_is_first(const struct live *live, const char *own)
{
    const struct live_replica *self = find(live, bytes_of_text(own));
    for (size_t i = 0; i < live->n && self != NULL; i++)
        if (live->at[i].gone_ms == 0 && live->at[i].since < self->since)
            return false;
    return self != NULL;
}

bool live_have_applied(const struct live *live, uint64_t revision, const char *own, int64_t then_ms)
{
    for (size_t i = 0; i < live->n; i++) {
        const struct live_replica *replica = &live->at[i];
        bool has_it = replica->since >= revision || replica->applied >= revision || strcmp(replica->id, own) == 0;
        if (!has_it && !has_gone(replica, then_ms))
            return false;
    }
    return true;
}

// SPDX-License-Identifier: MIT
// changes: a list of changes on their way, in order. It owns them until they are taken out. One thread at a time.
//
// The list hangs on change->next, so it never has to allocate.
#pragma once

#include "store.h"

struct changes {
    struct change *first;
    struct change *last; // meaningful when there is a first
};

static inline bool changes_are_none(const struct changes *changes)
{
    return changes->first == NULL;
}

static inline void changes_add(struct changes *changes, struct change *change)
{
    change->next = NULL;
    if (changes->first == NULL)
        changes->first = change;
    else
        changes->last->next = change;
    changes->last = change;
}

// The first one, out of the list; a null pointer when there is none.
static inline struct change *changes_take(struct changes *changes)
{
    struct change *change = changes->first;
    if (change != NULL)
        changes->first = change->next;
    return change;
}

// Moves all of `more` behind those of `changes`.
static inline void changes_append(struct changes *changes, struct changes *more)
{
    if (more->first == NULL)
        return;
    if (changes->first == NULL)
        changes->first = more->first;
    else
        changes->last->next = more->first;
    changes->last = more->last;
    more->first = NULL;
}

// Moves those that `is_wanted` behind those of `out`, keeping the order of both.
static inline void changes_sift(struct changes *changes, bool (*is_wanted)(const struct change *, const void *),
                                const void *context, struct changes *out)
{
    struct changes all = *changes;
    changes->first = NULL;
    for (struct change *change; (change = changes_take(&all)) != NULL;)
        changes_add(is_wanted(change, context) ? out : changes, change);
}

static inline bool change_is_late(const struct change *change, const void *now_ms)
{
    return change->deadline_ms <= *(const uint64_t *)now_ms;
}

// Moves those whose time is over behind those of `late`.
static inline void changes_sift_late(struct changes *changes, uint64_t now_ms, struct changes *late)
{
    changes_sift(changes, change_is_late, &now_ms, late);
}

static inline uint64_t changes_n(const struct changes *changes)
{
    uint64_t n = 0;
    for (const struct change *change = changes->first; change != NULL; change = change->next)
        n++;
    return n;
}

// Ends each of them with this result; the list is empty then.
static inline void changes_end(struct changes *changes, enum err result)
{
    for (struct change *change; (change = changes_take(changes)) != NULL;) {
        change->result = result;
        change->on_done(change);
    }
}

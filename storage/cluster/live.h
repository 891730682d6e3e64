// SPDX-License-Identifier: MIT
// live: which replicas are live, and what each of them has applied. The cluster's thread.
//
// A table of what stands under PREFIX/live/, as far as the watch has shown it.
#pragma once

#include "key.h"

struct live_replica {
    char id[KEY_REPLICA_MAX + 1];
    uint64_t since;   // revision at which it became live
    uint64_t said;    // revision of its newest announcement
    uint64_t applied; // what that says: all revisions up to this one are served there
};

// Starts as zeroes.
struct live {
    struct live_replica *at;
    size_t n;
    size_t n_max;
};

void live_clear(struct live *live);
void live_free(struct live *live);

// Notes an announcement; an older one than is known changes nothing. `text` is its value; one that is no number says 0.
// ERR_MEMORY.
enum err live_note(struct live *live, const struct live_replica *replica, struct bytes text);

// The replica's key was deleted at a revision.
void live_drop(struct live *live, struct bytes id, uint64_t revision);

// Whether `own` has been live for longer than all others.
bool live_is_first(const struct live *live, const char *own);

// Whether all replicas that were live at this revision, `own` aside, have applied it. One that became live later counts
// as if it had: it has seen the revision before it saw that it is live.
bool live_have_applied(const struct live *live, uint64_t revision, const char *own);

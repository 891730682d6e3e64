// SPDX-License-Identifier: MIT
// live: which replicas are live, and what each of them has applied. The cluster's thread.
//
// A table of what stands under PREFIX/live/, as far as the watch has shown it. A replica whose key has gone is kept for
// a moment: a live one may lose its lease (a leader of etcd that was hung may take it away when it wakes up), does not
// know that yet and still answers; it comes back at once, and until then it counts as live. One that has said farewell
// does not.
#pragma once

#include "key.h"

#define LIVE_GRACE_MS 1000

#define LIVE_FAREWELL UINT64_MAX // "applied" of one that stops

struct live_replica {
    char id[KEY_REPLICA_MAX + 1];
    uint64_t since;   // revision at which it became live
    uint64_t said;    // revision of its newest announcement, or of its key's end
    uint64_t applied; // what that says: all revisions up to this one are served there
    uint64_t gone_ms; // when its key went; 0: it is there
    bool is_listed;   // found since live_begin_list
};

// Starts as zeroes.
struct live {
    struct live_replica *at;
    size_t n;
    size_t n_max;
};

void live_free(struct live *live);

// Notes an announcement; an older one than is known changes nothing, and one that has come back is live since it first
// was. `text` is its value; one that is no number says 0. ERR_MEMORY: the others are as they were.
enum err live_note(struct live *live, const struct live_replica *replica, struct bytes text);

// The replica's key was gone at a revision. Times are not 0.
void live_drop(struct live *live, struct bytes id, uint64_t revision, uint64_t now_ms);

// Between these two all keys there are at a revision are noted: the other replicas have gone.
void live_begin_list(struct live *live);
void live_end_list(struct live *live, uint64_t revision, uint64_t now_ms);

// Forgets those whose grace is over.
void live_forget_gone(struct live *live, uint64_t now_ms);

// Whether all replicas that were live at this revision, `own` aside, have applied it. One that became live later counts
// as if it had: it has seen the revision before it saw that it is live.
bool live_have_applied(const struct live *live, uint64_t revision, const char *own);

// SPDX-License-Identifier: MIT
// live: which replicas are live, and what each of them has applied. The cluster's thread.
//
// A table of what stands under PREFIX/live/, as far as the watch has shown it. A replica whose key has gone still
// counts for a time of grace: it may not know yet that it has gone (barrier.c). One that has said farewell does not.
//
// Times are board_now_ms, taken when the news is read and not when the loop woke up for it: never before it happened.
#pragma once

#include "key.h"

#define LIVE_FAREWELL UINT64_MAX // "applied" of one that stops

struct live_replica {
    char id[KEY_REPLICA_MAX + 1];
    uint64_t since;   // revision at which it became live
    uint64_t said;    // revision of its newest announcement, or of its key's end
    uint64_t applied; // what that says: all revisions up to this one are served there
    int64_t gone_ms;  // when it was seen that its key had gone; 0: it is there
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

// There is a mark of a replica; unless its key is there too, it has gone without a word, nobody knows when. ERR_MEMORY.
enum err live_meet(struct live *live, const struct live_replica *replica);

// The replica's key was gone at a revision. Times are not 0.
void live_drop(struct live *live, struct bytes id, uint64_t revision, int64_t now_ms);

// Between these two all keys and marks there are at a revision are noted: the other replicas have gone.
void live_begin_list(struct live *live);
void live_end_list(struct live *live, uint64_t revision, int64_t now_ms);

// Takes one out that had gone by `then_ms`; false: there is none.
bool live_take_gone(struct live *live, int64_t then_ms, char id[KEY_REPLICA_MAX + 1]);

// Whether `own` has been live for longer than all others.
bool live_is_first(const struct live *live, const char *own);

// Whether all replicas that were live at this revision, `own` and those aside that had gone by `then_ms`, have applied
// it. One that became live later counts as if it had: it has seen the revision before it saw that it is live.
bool live_have_applied(const struct live *live, uint64_t revision, const char *own, int64_t then_ms);

// SPDX-License-Identifier: MIT
// shared: a text that all replicas have in common, which DNS knows nothing of: PREFIX/own/certificate.
//
// It lies outside of the data, so it has no part in the copy, the serial or the barrier: whoever has written it will
// see it come by, as all others do, and who has been away fetches it when he is in step again.
//
// One struct between two threads: the cluster's, which talks to etcd, and one that puts and gets.
#pragma once

#include "board.h"
#include "store.h"

#include <uv.h>

struct replica;

struct shared {
    uv_mutex_t mutex; // guards the next four
    uint8_t *text;    // as etcd has it; a null pointer: nothing
    size_t n_text;
    uint64_t version;  // grows whenever etcd was asked; 0: not yet
    struct bytes wish; // to be put: a copy of ours; none: a null pointer
    _Atomic bool is_first;

    // The cluster's thread's.
    bool must_fetch;
    bool is_fetching;
    bool is_putting;
    const void *put_at; // which wish that was
};

// ERR_SYSTEM.
enum err shared_open(struct shared *shared);
void shared_close(struct shared *shared);

// As store_share and store_shared. The cluster's thread has to be woken after a put.
enum err shared_put(struct shared *shared, struct bytes text);
enum err shared_get(struct shared *shared, uint64_t *version, struct writer *text);

// The cluster's thread: a change came by; the session was lost; a turn has ended.
void shared_note(struct shared *shared);
void shared_reset(struct shared *shared);
void shared_turn(struct replica *replica);

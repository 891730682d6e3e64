// SPDX-License-Identifier: MIT
// hasher: makes and checks password hashes on threads of its own, so that argon2 never runs on a loop.
//
// The threads run at the lowest priority: a flood of wrong passwords costs idle time of the machine, not the latency of
// DNS. The queue is bounded; what does not fit is refused at once. All functions are called on the loop's thread.
#pragma once

#include "histogram.h"
#include "inbox.h"
#include "secret.h"

struct hasher;

enum hash_kind {
    HASH_MAKE,  // password -> hash
    HASH_CHECK, // password, hash -> result
};

// Belongs to the hasher from a hasher_submit that returned ERR_OK until its letter is opened.
struct hash_job {
    enum hash_kind kind;
    char password[SECRET_PASSWORD_CHARS + 1];
    char hash[SECRET_HASH_MAX];
    struct letter letter; // opened when the job is done
    enum err result;      // that of secret_hash or secret_verify, or ERR_STOPPING
    uint64_t submitted_ns;
    struct hash_job *next;
};

struct hasher_options {
    struct inbox *inbox;
    struct secret_cost cost; // of new hashes
    size_t n_threads;        // at least 1
    size_t n_queue;          // jobs that may wait, besides those that run
};

// ERR_MEMORY, ERR_SYSTEM.
enum err hasher_start(struct hasher **hasher, const struct hasher_options *options);

// ERR_BUSY: the queue is full. ERR_STOPPING: after hasher_cancel. The job stays the caller's then.
enum err hasher_submit(struct hasher *hasher, struct hash_job *job);

// Jobs that wait, besides those that run.
size_t hasher_n_waiting(struct hasher *hasher);

// How long jobs waited, in nanoseconds; any thread. Valid as long as the hasher.
const struct histogram *hasher_wait_ns(const struct hasher *hasher);

// Returns what waits with ERR_STOPPING; what runs goes on.
void hasher_cancel(struct hasher *hasher);

// Waits for the threads to end: at most as long as one hash takes. Takes a null pointer too.
void hasher_stop(struct hasher *hasher);

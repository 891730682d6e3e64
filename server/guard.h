// SPDX-License-Identifier: MIT
// guard: who asks, whether they have proven it, whether they get an answer, and what its EDNS options say. It stands
// between the question and the encoder. No heap, no lock; the worker's thread.
#pragma once

#include "lookup.h"
#include "rrl.h"

struct message;

// Of one worker; the worker moves the clocks before each batch.
struct guard {
    struct rrl *rrl; // a null pointer: no limits
    struct cookie_keys cookies;
    uint64_t now_ms; // never goes back
    uint32_t now_s;  // since 1970
};

// What comes of one query.
struct guarding {
    enum rrl_verdict verdict;
    struct edns_options options; // of the answer; none unless the query had EDNS
};

// Opens the guard that the options ask for, with these cookie keys. ERR_MEMORY.
enum err guard_open(struct guard *guard, const struct conf *conf, const struct cookie_keys *cookies);
void guard_close(struct guard *guard);

// Judges the answer `found` to `query`; turns NOERROR into BADCOOKIE where that is due. Without
// a guard in `lookup`, or a client in `message`, nobody is limited and cookies are not answered.
struct guarding guard_judge(const struct lookup *lookup, const struct message *message, const struct query *query,
                            struct found *found);

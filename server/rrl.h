// SPDX-License-Identifier: MIT
// rrl: response rate limiting. How many answers of one kind a network may get over UDP in a second, so that questions
// with a forged source do not turn this server against whoever the source belongs to.
//
// One table a worker, of a fixed size, made at the start; nothing is shared, so with several workers a network that
// asks from many ports may get the rate from each. The worker's thread.
#pragma once

#include "err.h"
#include "siphash.h"

#include <sys/socket.h>

struct rrl;

// Kinds of answers, each limited by itself.
enum rrl_kind {
    RRL_EXISTING, // NOERROR about a name that exists, whether it has the type or not: what validators ask
    RRL_MISSING,  // NXDOMAIN and referrals: what random names get
    RRL_ERROR,    // REFUSED, FORMERR and so on
    N_RRL_KINDS
};

enum rrl_verdict {
    RRL_PASS,
    RRL_SLIP, // over the limit; tell the client to come by TCP
    RRL_DROP  // over the limit
};

struct rrl_options {
    uint32_t per_s[N_RRL_KINDS]; // 0: no limit, otherwise at most 1000000
    uint32_t n_slip;             // every n-th answer over the limit slips; 0: none
    unsigned prefix_v4;          // bits of the address that make a network
    unsigned prefix_v6;          // at most 64
};

// ERR_MEMORY.
enum err rrl_new(struct rrl **rrl, const struct rrl_options *options);
void rrl_free(struct rrl *rrl); // takes a null pointer too

// Judges one answer to be sent. `now_ms` never goes back.
enum rrl_verdict rrl_judge(struct rrl *rrl, const struct sockaddr *client, enum rrl_kind kind, uint64_t now_ms);

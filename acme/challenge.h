// SPDX-License-Identifier: MIT
// challenge: the server's own TXT values, for whoever wants to certify its names. On the loop's thread.
//
// The server is a customer of its own: the values belong to an account of the store that has the subdomain
// "_acme-challenge", and whose key nobody has ever known. So they are durable, and with replicas on all of them, before
// the authority is told to look.
#pragma once

#include "config.h"
#include "counters.h"
#include "store.h"

#include <uv.h>

struct challenge;

struct challenge_options {
    const struct conf *conf;
    uv_loop_t *loop;
    struct store *store;
    struct log *log;
    int hook_fd; // the server's end (callback.h); not closed here
};

// ERR_MEMORY, ERR_STORE, ERR_SYSTEM.
enum err challenge_open(struct challenge **challenge, const struct challenge_options *options);

// The order has ended, or there is none: the values, if there are any, are not needed.
void challenge_clear(struct challenge *challenge);

// Whether something is under way: an order would have to wait.
bool challenge_is_busy(const struct challenge *challenge);

// Stops to listen to hooks; the loop has to run for it.
void challenge_stop(struct challenge *challenge);

// When the loop has ended and the store is closed.
void challenge_free(struct challenge *challenge);

// SPDX-License-Identifier: MIT
// acme: the server's own certificate, got and renewed by itself. The only face of this floor; on the loop's thread.
//
// The certificate lies in the cache directory, where a restart finds it. It is renewed when two thirds of its life are
// over. A failure is logged and counted, the old certificate stays, and the next attempt is made a while later, twice
// as long after each further one.
#pragma once

#include "agent.h"
#include "api.h"

struct acme;

struct acme_options {
    const struct conf *conf;
    uv_loop_t *loop;
    struct store *store;
    struct log *log;
    struct api *api;    // which gets the certificates
    struct agent agent; // belongs to this from now on, also when it fails
};

// Puts the certificate of the cache directory into use and orders another when that is not there or not the one that is
// wanted. ERR_MEMORY, ERR_STORE, ERR_SYSTEM: logged as acme.refused; what `acme` then points to, if anything, is to be
// freed as ever, but not to be stopped.
enum err acme_open(struct acme **acme, const struct acme_options *options);

// Breaks off an order. No call may follow but acme_free. Before the API is stopped; the loop has to run for it.
void acme_stop(struct acme *acme);

// When the loop has ended and the store is closed.
void acme_free(struct acme *acme);

// How the certificate stands, for /ready: its text is valid until the next call. It is always ready: without DNS, which
// a load balancer may take away from a server that is not ready, there would never be a certificate.
struct api_check acme_check(const struct acme *acme);

// acme_issued, acme_failures.
const struct counters *acme_counters(const struct acme *acme);

// SPDX-License-Identifier: MIT
// api: accounts and their challenge values over HTTP or HTTPS. The only face of this floor.
//
// Everything runs on the loop it is given, on that loop's thread, and so must every call below; only the hasher has
// threads of its own. The caller lends what is in api_options from api_start until on_stopped: configuration, loop,
// store, log. What goes wrong is logged here (api.*, tls.*); the caller only acts on the error. SIGPIPE must be
// ignored.
#pragma once

#include "audit.h"
#include "config.h"
#include "counters.h"
#include "err.h"
#include "keypair.h"
#include "log.h"
#include "store.h"
#include "traffic.h"

#include <uv.h>

struct api;

// One line of /ready. The texts are static or outlive the answer.
struct api_check {
    const char *name;
    bool is_ready;
    const char *why;   // when it is not ready, or when there is a state; may be a null pointer
    const char *state; // of a part that has several; else a null pointer
};

#define API_CHECKS_MAX 16

struct api_options {
    const struct conf *conf;
    uv_loop_t *loop;
    struct store *store; // the API opens one reader of its own
    struct log *log;
    struct audit *audit; // a null pointer: none

    // Sockets that are bound and listen. The array is copied. A socket belongs to the API, which closes it, once
    // api_start returned ERR_OK; until then, and when it fails, to the caller.
    const int *listen_fds;
    size_t n_listen_fds;

    // Fills in at most `max` (API_CHECKS_MAX) checks and returns how many. /ready is 200 when all of them are ready.
    size_t (*ready)(void *context, struct api_check *checks, size_t max);
    void *ready_context;

    // Whether a subdomain is not to be given to anybody who chooses it; a null pointer: none is.
    bool (*is_reserved)(void *context, struct bytes label);
    void *reserved_context;
};

// Starts to serve. ERR_TLS: certificate and key cannot be used (logged as tls.refused). ERR_SYSTEM, ERR_MEMORY,
// ERR_STORE or ERR_RANGE (a cost that argon2 refuses) otherwise, logged as api.refused. After a failure the loop must
// run until it has nothing left to do, or at least once, before it is closed.
enum err api_start(struct api **api, const struct api_options *options);

// Loads certificate and key anew, now (SIGHUP). ERR_TLS: the old ones stay in use, logged as tls.reload_failed. ERR_OK
// without TLS.
enum err api_reload(struct api *api);

// With tls "letsencrypt" or "letsencryptstaging", which start with a temporary certificate: new connections get this
// one. ERR_TLS, ERR_MEMORY: the one in use stays, logged as tls.reload_failed.
enum err api_set_certificate(struct api *api, const struct keypair_text *text);

// Stops at once to accept connections and answers what is in flight; what is left after `deadline_ms` is broken off,
// and checks of passwords that still wait are answered 503. Then everything is freed and `on_stopped` is called on the
// loop, once; `api` may be asked for its counters in it for the last time. Changes that the store has taken are always
// waited for, as they point into the API's memory: only a store that hangs in a sync can hold this up beyond the
// deadline. A second call, before on_stopped, only moves the deadline.
void api_stop(struct api *api, unsigned deadline_ms, void (*on_stopped)(void *context), void *context);

// Counted on the loop's thread.
const struct counters *api_counters(const struct api *api);

// How it stands. What is pointed to is valid as long as the API.
struct api_status {
    const struct traffic *traffic;
    const struct histogram *hash_wait_ns;
    size_t n_hashes_waiting;
    int64_t certificate_expires_s; // since 1970; 0: there is no certificate
};
struct api_status api_status(const struct api *api);

// The routes that are told apart in `traffic`; the name is static.
size_t api_n_routes(void);
const char *api_route_name(size_t number);

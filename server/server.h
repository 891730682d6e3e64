// SPDX-License-Identifier: MIT
// server: DNS on all configured addresses, by as many workers as the config says. The only face of this floor, with
// zone.h. Main thread.
#pragma once

#include "config.h"
#include "store.h"
#include "tally.h"
#include "zone.h"

struct server;

struct server_options {
    const struct conf *conf;
    struct store *store;
    struct log *log;
    struct log *querylog; // where queries are logged, when the configuration asks for that
};

// Binds every address for every worker and starts the workers. A failure has been logged as serve.cannot_bind with the
// address, or as serve.failed. ERR_SYSTEM, ERR_MEMORY, ERR_STORE.
enum err server_start(struct server **server, const struct server_options *options, struct zones *zones);

// Answers what has been read, closes everything, frees.
void server_stop(struct server *server);

// All workers go over to these zones, each between two batches. Does not wait; takes its own references.
void server_set_zones(struct server *server, struct zones *zones);

// The addresses that are served, with the ports that the system chose: "127.0.0.1:5300,[::1]:5300". Lives as long as
// the server.
const char *server_addresses(const struct server *server);

size_t server_n_workers(const struct server *server);
const struct counters *server_counters(const struct server *server, size_t worker);
const struct tally *server_tally(const struct server *server, size_t worker);

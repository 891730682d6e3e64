// SPDX-License-Identifier: MIT
// worker: one thread, one loop, its own sockets, its own read snapshot, its own counters. Workers share nothing that is
// written.
#pragma once

#include "answer.h"
#include "tally.h"

#include <uv.h>

struct worker;

struct worker_options {
    const struct conf *conf;
    struct store *store;
    struct log *log;
    size_t max_tcp_connections; // of this worker
    size_t max_tcp_per_client;  // the same of one client
    struct cookie_keys cookies; // the same for all workers
    struct querylog *querylog;  // a null pointer: none
    size_t number;              // of this worker, and of its ring in the query log
};

// Prepares a worker; no thread runs yet. It holds a reference to `zones`. ERR_MEMORY, ERR_STORE, ERR_SYSTEM.
enum err worker_new(struct worker **worker, const struct worker_options *options, struct zones *zones);

// Hands it a bound socket, which belongs to it even when this fails. Before worker_start. ERR_MEMORY, ERR_SYSTEM.
enum err worker_add_udp(struct worker *worker, int fd);
enum err worker_add_tcp(struct worker *worker, int fd);

// Runs the thread. ERR_SYSTEM.
enum err worker_start(struct worker *worker);

// From the next batch on it answers from these zones, of which it takes one more reference. Main thread; does not wait.
void worker_set_zones(struct worker *worker, struct zones *zones);

// Closes its sockets, ends its thread if it runs, frees it.
void worker_stop(struct worker *worker);

const struct counters *worker_counters(const struct worker *worker);
const struct tally *worker_tally(const struct worker *worker);

// --- For udp.c and tcp.c, on the worker's thread ---

uv_loop_t *worker_loop(struct worker *worker);
const struct worker_options *worker_options(const struct worker *worker);
struct counters *worker_own_counters(struct worker *worker);
struct tally *worker_own_tally(struct worker *worker);

// Takes a snapshot of the store for the batch at hand; answers are made from what it returns until worker_end.
const struct lookup *worker_begin(struct worker *worker);
void worker_end(struct worker *worker);

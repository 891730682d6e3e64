// SPDX-License-Identifier: MIT
// querylog: a line of the log for every so many DNS queries.
//
// Each worker has a ring of its own; it only copies what it saw, without heap, lock or system call, and when the ring
// is full it counts what it leaves out (querylog_dropped). A thread of its own writes the lines, so they come up to a
// twentieth of a second after their queries.
#pragma once

#include "counters.h"
#include "lookup.h"
#include "rrl.h"

struct querylog;
struct querylog_ring;
struct message;

struct querylog_options {
    struct log *log;  // lent until querylog_close
    uint64_t n_every; // at least 1
    size_t n_rings;
};

// Starts the thread. ERR_MEMORY, ERR_SYSTEM.
enum err querylog_open(struct querylog **querylog, const struct querylog_options *options);

// Writes what is left and frees, rings too; nobody may note any more. Takes a null pointer too.
void querylog_close(struct querylog *querylog);

struct querylog_ring *querylog_ring(struct querylog *querylog, size_t i);

// What came of a query.
struct querylog_outcome {
    enum rcode rcode;
    enum rrl_verdict verdict;
};

// Notes the query when it is its turn. The ring's worker.
void querylog_note(struct querylog_ring *ring, const struct message *message, const struct query *query,
                   struct querylog_outcome outcome, struct counters *counters);

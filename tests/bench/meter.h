// SPDX-License-Identifier: MIT
// meter: what one run of a load generator measures, and the one line of JSON it prints.
//
// A run is a warm-up and a measured stretch. The meter knows the clock, the CPU time that the processes of the server
// used meanwhile, and a histogram of latencies. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { METER_PROCESSES_MAX = 8, METER_CODES = 600, METER_BUCKETS = 2048 };

struct meter_options {
    double warm_up_s;
    double seconds;   // measured
    const char *pids; // of the server: numbers with commas between; empty: no CPU time
};

struct meter {
    uint64_t begin_ns; // of the measured stretch, on CLOCK_MONOTONIC
    uint64_t end_ns;
    bool is_measuring;
    clockid_t clocks[METER_PROCESSES_MAX];
    unsigned n_clocks;
    uint64_t cpu_ns; // of the server at begin_ns
    uint64_t n_sent;
    uint64_t n_answers;
    uint64_t n_bytes; // of the answers
    uint64_t by_code[METER_CODES];
    uint64_t histogram[METER_BUCKETS];
};

uint64_t meter_now_ns(void);

// Starts the warm-up. Ends the program when there is no such process.
void meter_open(struct meter *meter, const struct meter_options *options);

// True until the run is over; begins the measured stretch when the warm-up is over. Call it once a turn of the loop.
bool meter_goes_on(struct meter *meter, uint64_t now_ns);

// The warm-up is not over yet, whatever the clock says: the measured stretch is put off for a while.
void meter_put_off(struct meter *meter);

// One answer: `code` is its rcode or HTTP status.
void meter_answer(struct meter *meter, uint64_t latency_ns, uint64_t bytes, unsigned code);

// Prints
//   seconds, qps (answers), sent, bytes (mean of an answer), codes {code: answers}, p50_us, p99_us,
//   cpu_us (the server's CPU time for one answer) and busy (its CPU time as a share of one core).
void meter_print(const struct meter *meter);

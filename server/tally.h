// SPDX-License-Identifier: MIT
// tally: answers by transport, type and rcode, and how long queries took; of one worker, which alone writes it. Anybody
// may read; no heap, no lock.
#pragma once

#include "histogram.h"
#include "wire.h"

#include <stdbool.h>

// The types that are told apart, and as what.
#define TALLY_TYPES(X)                                                                                                 \
    X(1, "A")                                                                                                          \
    X(2, "NS")                                                                                                         \
    X(5, "CNAME")                                                                                                      \
    X(6, "SOA")                                                                                                        \
    X(15, "MX")                                                                                                        \
    X(16, "TXT")                                                                                                       \
    X(28, "AAAA")                                                                                                      \
    X(43, "DS")                                                                                                        \
    X(48, "DNSKEY")                                                                                                    \
    X(65, "HTTPS")                                                                                                     \
    X(255, "ANY")                                                                                                      \
    X(257, "CAA")

#define TALLY_RCODES(X)                                                                                                \
    X(RCODE_NOERROR, "NOERROR")                                                                                        \
    X(RCODE_FORMERR, "FORMERR")                                                                                        \
    X(RCODE_SERVFAIL, "SERVFAIL")                                                                                      \
    X(RCODE_NXDOMAIN, "NXDOMAIN")                                                                                      \
    X(RCODE_NOTIMP, "NOTIMP")                                                                                          \
    X(RCODE_REFUSED, "REFUSED")                                                                                        \
    X(RCODE_BADVERS, "BADVERS")                                                                                        \
    X(RCODE_BADCOOKIE, "BADCOOKIE")

#define TALLY_ONE(number, text) +1
enum { TALLY_N_TRANSPORTS = 2 };
enum { TALLY_N_TYPES = 1 TALLY_TYPES(TALLY_ONE) }; // the first is all others
enum { TALLY_N_RCODES = 1 TALLY_RCODES(TALLY_ONE) };
#undef TALLY_ONE

struct tally {
    _Alignas(64) _Atomic uint64_t answers[TALLY_N_TRANSPORTS][TALLY_N_TYPES][TALLY_N_RCODES];
    struct histogram ns; // from the moment a query was read to when its answer was sent
    unsigned n_batches;  // the worker's own
};

// Places in `answers`; 0 is the place of all that is not told apart.
unsigned tally_place_of_type(unsigned type);
unsigned tally_place_of_rcode(unsigned rcode);

// What stands for them: "udp" and "tcp", "other" and "A"…, "other" and "NOERROR"… Static.
const char *tally_transport(unsigned place);
const char *tally_type(unsigned place);
const char *tally_rcode(unsigned place);

// Counts one answer.
void tally_answer(struct tally *tally, bool is_udp, unsigned qtype, unsigned rcode);

// Batches of queries: one in TALLY_EVERY is timed, with all queries in it, as reading the clock costs as much as a
// tenth of a look-up. tally_begin returns the time, or 0: not this one; tally_end wants it back.
#define TALLY_EVERY 8
uint64_t tally_begin(struct tally *tally);
void tally_end(struct tally *tally, uint64_t began_ns, uint64_t n_queries);

// SPDX-License-Identifier: MIT
// ask: one question to one server, and what came of it.
//
// Over UDP with EDNS and letters of random case (0x20), then over TCP when the answer was cut; or over DNS over HTTPS
// (RFC 8484). Only an answer from the address asked, with our id and our question, counts; anything else is waited
// past. Blocks the calling thread, for no longer than `timeout_ms` for each try and never beyond `until_ms`. Any
// thread; no state is kept between calls. ask_start once in the program before the first question over HTTPS.
#pragma once

#include "upstream.h"

#include <ldns/ldns.h>

enum ask_way { ASK_UDP_THEN_TCP, ASK_UDP_ONLY, ASK_TCP_ONLY };

// What came of a question; the texts go into a sentence after the server's address.
#define ASK_OUTCOME_LIST(X)                                                                                            \
    X(ANSWERED, "answers")                                                                                             \
    X(SILENT, "does not answer")                                                                                       \
    X(CLOSED, "refuses the connection: nothing listens there")                                                         \
    X(NO_ROUTE, "cannot be reached from this machine (no route)")                                                      \
    X(GARBAGE, "answers with something that is no DNS message")                                                        \
    X(HTTPS, "cannot be asked over HTTPS")                                                                             \
    X(FAILED, "could not be asked: this machine failed (memory or sockets)")

enum ask_outcome {
#define ASK_ENUM(name, text) ASK_##name,
    ASK_OUTCOME_LIST(ASK_ENUM)
#undef ASK_ENUM
};

struct ask {
    const ldns_rdf *name;
    ldns_rr_type type;
    enum ask_way way;
    bool is_recursive;    // RD: for resolvers
    bool wants_dnssec;    // DO
    bool is_unchecked;    // CD: the resolver need not validate
    bool is_without_edns; // to see whether EDNS is what harms
    unsigned timeout_ms;  // for each try; 0: 2000
    unsigned n_tries;     // over UDP; 0: 3
    int64_t until_ms;     // ask_now_ms() of the end of all patience; 0: none but the tries
    const char *ca_file;  // over HTTPS: authorities in PEM instead of the system's; may be NULL
};

// What came. `packet` is there when `outcome` is ASK_ANSWERED, and goes with ask_free.
struct reply {
    enum ask_outcome outcome;
    ldns_pkt *packet;
    unsigned took_ms;
    bool is_over_tcp; // the answer at hand came over TCP
    bool was_cut;     // UDP said TC
    bool kept_case;   // the question came back in our letters
    bool has_edns;    // the answer has an OPT record
    char detail[128]; // for ASK_HTTPS, what libcurl or the HTTP server says; else empty
};

// ERR_SYSTEM: libcurl cannot be set up. Not thread-safe; calling it again does no harm.
enum err ask_start(void);

// Fills `reply`, which the caller gives back with ask_free whatever the outcome.
void ask(struct reply *reply, const struct upstream *upstream, const struct ask *question);

void ask_free(struct reply *reply);

// Static.
const char *ask_outcome_text(enum ask_outcome outcome);

// A clock that only goes forward.
int64_t ask_now_ms(void);

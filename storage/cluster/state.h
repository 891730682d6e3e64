// SPDX-License-Identifier: MIT
// state: where a replica stands, and where it may go from there. No loop, no etcd; any thread.
#pragma once

#include "err.h"

#include <stdbool.h>

// name in logs, what it means
#define STATE_LIST(X)                                                                                                  \
    X(AWAY, "away", "no session with etcd; the next attempt waits for its time")                                       \
    X(SIGNING_IN, "signing_in", "asks for a token")                                                                    \
    X(PROBING, "probing", "asks which cluster this is, where it stands and which replicas are live")                   \
    X(LOADING, "loading", "takes a snapshot")                                                                          \
    X(CATCHING_UP, "catching_up", "follows the watch, and waits for its own announcement to come by there")            \
    X(IN_STEP, "in_step", "live: what is acknowledged anywhere is served here")                                        \
    X(LEAVING, "leaving", "gives its lease back and stops")

enum state {
#define STATE_ENUM(name, text, help) STATE_##name,
    STATE_LIST(STATE_ENUM)
#undef STATE_ENUM
        N_STATES
};

// The name in logs; static.
const char *state_text(enum state state);

// Whether a replica may go from one state to the other.
bool state_may_follow(enum state from, enum state to);

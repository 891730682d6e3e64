// SPDX-License-Identifier: MIT
// service: the HTTP API of acmezone servers (and of acme-dns), several called at once.
//
// The door of libcurl for the hook. Blocks until every call has ended. ask_start comes first. One thread.
#pragma once

#include "keyring.h"

#include <stddef.h>

#define SERVICE_OUTCOME_LIST(X)                                                                                        \
    X(OK, "done")                                                                                                      \
    X(UNREACHABLE, "cannot be reached")                                                                                \
    X(BUSY, "asks to come back later")                                                                                 \
    X(DENIED, "refuses the credentials")                                                                               \
    X(REFUSED, "refuses the request")                                                                                  \
    X(ABSENT, "has no such address")                                                                                   \
    X(STRANGE, "gives an answer that is not of this API")

enum service_outcome {
#define SERVICE_ENUM(name, text) SERVICE_##name,
    SERVICE_OUTCOME_LIST(SERVICE_ENUM)
#undef SERVICE_ENUM
};

struct service_call {
    const char *server;             // URL without a final slash
    const char *path;               // "/update"
    struct keyring_account account; // null pointers: none is shown
    const char *token;              // for registrations; NULL or empty: none
    json_t *body;                   // the caller's; NULL: none

    // What came of it.
    enum service_outcome outcome;
    unsigned retry_after_ms; // as the server asked; else 0
    json_t *answer;          // the caller's to json_decref, NULL when there was none
    char detail[256];        // the reason in the words of libcurl or the server
};

struct service_options {
    const char *ca_file; // authorities in PEM; NULL: the system's
    unsigned timeout_ms; // of one call; connecting takes at most half of it
};

void service_call_all(struct service_call *calls, size_t n, const struct service_options *options);

// "SERVER refuses ...: DETAIL", for people.
void service_describe(const struct service_call *call, char text[static 512]);

// Whether trying again may help.
bool service_may_recover(const struct service_call *call);

// SPDX-License-Identifier: MIT
// peek: looks at a certificate, in a PEM file or where it is served over TLS.
#pragma once

#include "standing.h"

#define PEEK_REASON_MAX 256

// What was found. `reason` says what is wrong, or why there is none. NONE: no file, or nobody listens; BAD: expired,
// not yet valid, of another name, untrusted, or no certificate at all.
struct peek {
    enum certificate_state state;
    int64_t not_after_s; // 0 when there is none
    char reason[PEEK_REASON_MAX];
};

// `place` is HOST:PORT (IPv6 in brackets), or the path of a file when it holds a '/'. `domain` is what the certificate
// has to be for, "*.example.com" too. `ca_file`: authorities in PEM; NULL: the system's; the chain of a file is not
// verified. Blocks for at most `timeout_ms` after the name of the host is resolved.
struct peek_options {
    const char *place;
    const char *domain;
    const char *ca_file;
    unsigned timeout_ms;
};
void peek(struct peek *found, const struct peek_options *options);

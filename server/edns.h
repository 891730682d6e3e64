// SPDX-License-Identifier: MIT
// edns: the options inside the OPT record: what a query says in them, and what an answer says back. No heap; any
// thread.
#pragma once

#include "cookie.h"
#include "wire.h"

#define NSID_MAX_BYTES 64

// What a query's options say. Cookies longer than ours are noted by their length only.
struct edns_asked {
    bool wants_nsid;
    uint8_t n_cookie;
    uint8_t cookie[COOKIE_BYTES];
};

// Info-codes of the Extended DNS Errors that are given (RFC 8914 4.15, 4.21, 4.25).
enum ede { EDE_NONE = -1, EDE_NOT_READY = 14, EDE_NOT_AUTHORITATIVE = 20, EDE_INVALID_DATA = 24 };

// The options of an answer, encoded before its records are, so that their room is known.
struct edns_options {
    size_t n;
    uint8_t at[4 + COOKIE_BYTES + 4 + NSID_MAX_BYTES + 6];
};

// Reads the rdata of OPT into `asked`. False: options that do not fill it exactly (RFC 6891 6.1.2), or a cookie of a
// length that none has (RFC 7873 5.2.2).
bool edns_take_options(struct edns_asked *asked, struct bytes rdata);

// Add one option each; a text that is empty and EDE_NONE add nothing.
void edns_put_cookie(struct edns_options *options, const uint8_t cookie[static COOKIE_BYTES]);
void edns_put_nsid(struct edns_options *options, const char *nsid);
void edns_put_error(struct edns_options *options, enum ede ede);

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

// Extended DNS Errors (RFC 8914 4).
enum edns_error { EDNS_ERROR_NOT_READY = 14, EDNS_ERROR_NOT_AUTHORITATIVE = 20, EDNS_ERROR_NONE = 0xffff };

// The options of an answer, encoded before its records are, so that their room is known.
struct edns_options {
    size_t n;
    uint8_t at[4 + COOKIE_BYTES + 4 + NSID_MAX_BYTES + 6];
};

// Reads the rdata of OPT into `asked`. False: options that do not fill it exactly (RFC 6891 6.1.2), or a cookie of a
// length that none has (RFC 7873 5.2.2).
bool edns_take_options(struct edns_asked *asked, struct bytes rdata);

// Add one option each; a text that is empty and EDNS_ERROR_NONE add nothing.
void edns_put_cookie(struct edns_options *options, const uint8_t cookie[static COOKIE_BYTES]);
void edns_put_nsid(struct edns_options *options, const char *nsid);
void edns_put_error(struct edns_options *options, enum edns_error error);

// SPDX-License-Identifier: MIT
// cookie: server cookies that every server with the same secret makes and accepts (RFC 7873, RFC 9018). A client that
// brings one back has received an answer of ours at its address, so it is not a forged one. No state; any thread.
#pragma once

#include "cidr.h"
#include "siphash.h"

enum { COOKIE_CLIENT_BYTES = 8, COOKIE_SERVER_BYTES = 16, COOKIE_BYTES = COOKIE_CLIENT_BYTES + COOKIE_SERVER_BYTES };

// `now` makes cookies and accepts them, `other` accepts only: the next secret or the last one, while they change.
struct cookie_keys {
    struct siphash_key now;
    struct siphash_key other;
    bool has_other;
};

// From bad to good.
enum cookie_state {
    COOKIE_NONE,        // the client sent none
    COOKIE_CLIENT_ONLY, // its own, to learn ours
    COOKIE_BAD,         // none of ours, another client's, or out of date
    COOKIE_RENEW,       // ours, but to be replaced: half an hour old, or of the other secret
    COOKIE_FRESH
};

// What makes a cookie the client's own.
struct cookie_client {
    struct ip ip;
    uint32_t now_s; // seconds since 1970, which may wrap
};

// Reads the keys out of the options; without a secret there, a random one. The options are sound.
struct cookie_keys cookie_keys_of(const char *secret, const char *other);

// Judges the content of a COOKIE option of sound length (RFC 7873 5.2.2).
enum cookie_state cookie_check(const struct cookie_keys *keys, struct bytes cookie, const struct cookie_client *client);

// Completes a client's cookie, which is in `cookie` already, by the server's.
void cookie_write(const struct cookie_keys *keys, const struct cookie_client *client,
                  uint8_t cookie[static COOKIE_BYTES]);

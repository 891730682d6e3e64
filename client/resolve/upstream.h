// SPDX-License-Identifier: MIT
// upstream: somebody to ask: an address and port, or the URL of a resolver that speaks DNS over HTTPS.
#pragma once

#include "cidr.h"

#define UPSTREAM_TEXT_MAX 256

// `text` is what people read: "192.0.2.1", "192.0.2.1@5300", "2001:db8::1", or the URL. A plain value, copied freely.
struct upstream {
    bool is_https; // then `text` is the URL, and `ip` and `port` mean nothing
    struct ip ip;
    uint16_t port;
    char text[UPSTREAM_TEXT_MAX];
};

// Reads IP, IP@PORT, [IPV6]@PORT or https://HOST/PATH; without a port it is 53. ERR_SYNTAX: anything else.
enum err upstream_parse(const char *text, struct upstream *upstream);

// The same from an address and a port.
struct upstream upstream_of(struct ip ip, uint16_t port);

bool upstream_is_same(const struct upstream *a, const struct upstream *b);

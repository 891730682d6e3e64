// SPDX-License-Identifier: MIT
// peer: who is asking, when proxies stand between.
//
// Pure functions; any thread.
#pragma once

#include "config.h"

bool peer_is_in(const struct cidrs *networks, struct ip ip);

// The client's address, given the address at the other end of the socket and all values of the proxies' header in the
// order in which they came. Only a peer in `trusted` is believed. From the right, the first hop that is not in
// `trusted` is the client; when all are, the left-most. A hop may be an address, IPv6 in brackets, either with a port.
// A list in which something else is met first is not believed at all: then the client is `socket_peer`.
struct ip peer_find(const struct cidrs *trusted, struct ip socket_peer, const struct bytes *values, size_t n_values);

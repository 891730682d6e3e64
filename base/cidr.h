// SPDX-License-Identifier: MIT
// cidr: addresses and networks of both families in one shape, compared in one way.
//
// An IPv4 address is kept as the IPv4-mapped IPv6 address ::ffff:a.b.c.d, so a client that reaches us over a dual-stack
// socket is the same client. The families stay apart all the same: 0.0.0.0/0 holds no IPv6 address and ::/0 holds no
// IPv4 address. Nothing here allocates or fails other than by refusing a text; any thread.
#pragma once

#include "bytes.h"
#include "err.h"

#include <sys/socket.h>

// Room for any text these functions write, with its NUL.
#define IP_TEXT_MAX   46
#define CIDR_TEXT_MAX 50

struct ip {
    uint8_t at[16];
};

// `n_bits` counts from the front of `ip.at`: 96 to 128 for an IPv4 network. Bits of `ip` behind it are kept, and
// ignored.
struct cidr {
    struct ip ip;
    uint8_t n_bits;
};

bool ip_is_v4(struct ip ip);

// Reads 192.0.2.1, 2001:db8::1, ::ffff:192.0.2.1 or [2001:db8::1]; no port, no zone id, no white space.
// ERR_CIDR: anything else.
enum err ip_parse(struct bytes text, struct ip *ip);

// ERR_CIDR: neither AF_INET nor AF_INET6.
enum err ip_of_sockaddr(const struct sockaddr *address, struct ip *ip);

// Fills a sockaddr_in for IPv4 and a sockaddr_in6 otherwise; returns its size. `port` is in host order.
socklen_t ip_to_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *address);

// Writes the canonical text (RFC 5952; IPv4 as a dotted quad, IPv6 without brackets) and returns `text`.
const char *ip_write(struct ip ip, char text[static IP_TEXT_MAX]);

// Reads ADDRESS/BITS or ADDRESS alone, which is a network of one. IPv6 may stand in brackets with the bits in or behind
// them. BITS is decimal without sign or leading zero, at most 32 for a dotted quad and 128 otherwise; host bits may be
// set. ERR_CIDR: anything else.
enum err cidr_parse(struct bytes text, struct cidr *cidr);

// Writes ADDRESS/BITS as read, host bits included, without brackets, and returns `text`.
const char *cidr_write(struct cidr cidr, char text[static CIDR_TEXT_MAX]);

bool cidr_contains(struct cidr cidr, struct ip ip);

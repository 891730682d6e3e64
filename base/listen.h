// SPDX-License-Identifier: MIT
// listen: the addresses a server binds, and how they are written in the configuration.
#pragma once

#include "arena.h"
#include "cidr.h"

// One address to bind. `is_implied`: it stands for half of "all addresses", and a machine without its family goes
// without it.
struct listen {
    struct ip ip;
    uint16_t port; // 0: the system chooses
    bool is_implied;
};

struct listens {
    size_t n;
    const struct listen *at;
};

// What was written, before "all addresses" becomes one for each family.
struct listen_text {
    bool is_all; // no address, or [::]
    struct ip ip;
    uint16_t port;
};

// Reads ADDRESS:PORT, [IPV6]:PORT or :PORT. ERR_SYNTAX: anything else, host names too.
enum err listen_parse(struct bytes text, struct listen_text *listen);

// The same of an address alone, IPv6 with or without brackets; "::" is all addresses.
enum err listen_parse_address(struct bytes text, struct listen_text *listen);

// The families that may be listened on.
struct listen_families {
    bool has_v4;
    bool has_v6;
};

// Adds `text` at `list[*n]`, or for all addresses one entry for each family, and counts `*n` on; there is room for two.
// What is in the list already is not added again. ERR_RANGE: its family is not among `families`.
enum err listen_add(struct listen_text text, struct listen_families families, struct listen *list, size_t *n);

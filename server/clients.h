// SPDX-License-Identifier: MIT
// clients: how many connections each client holds. A table of a fixed size, made at the start. The worker's thread.
#pragma once

#include "siphash.h"

#include <sys/socket.h>

enum { CLIENTS_SLOTS = 4096 };

struct clients {
    struct siphash_key key;
    uint32_t n_max;                 // connections that one client may hold
    uint32_t n_held[CLIENTS_SLOTS]; // by clients_slot
};

void clients_begin(struct clients *clients, uint32_t n_max);

// Where a client's connections are counted: an IPv4 address is one client, so is an IPv6 /64.
uint16_t clients_slot(const struct clients *clients, const struct sockaddr *address);

// Counts one more connection. False: the client holds as many as it may, and nothing was counted.
bool clients_take(struct clients *clients, uint16_t slot);
void clients_put(struct clients *clients, uint16_t slot);

// SPDX-License-Identifier: MIT
// A keyed hash of the address chooses one of 4,096 counters. Two clients may share one and then share its limit; nobody
// can choose with whom, and with the limit far above what a resolver opens, sharing is not noticed.
#include "clients.h"

#include <netinet/in.h>

void clients_begin(struct clients *clients, uint32_t n_max)
{
    *clients = (struct clients){.key = siphash_key_random(), .n_max = n_max};
}

uint16_t clients_slot(const struct clients *clients, const struct sockaddr *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    uint64_t network = 0;
    bool is_v4 = address->sa_family == AF_INET;
    if (is_v4) {
        network = ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
    } else {
        const uint8_t *at = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
        is_v4 = memcmp(at, mapped, sizeof mapped) == 0;
        memcpy(&network, is_v4 ? at + sizeof mapped : at, is_v4 ? 4 : 8);
    }
    return (uint16_t)(siphash_of_words(&clients->key, network, is_v4) % CLIENTS_SLOTS);
}

bool clients_take(struct clients *clients, uint16_t slot)
{
    if (clients->n_held[slot] >= clients->n_max)
        return false;
    clients->n_held[slot]++;
    return true;
}

void clients_put(struct clients *clients, uint16_t slot)
{
    clients->n_held[slot]--;
}

// SPDX-License-Identifier: MIT
// limit: so many events in a time for each key, such as a client's network or an account.
//
// On the loop's thread. All memory is taken at limit_open: however many keys there are, the table does not grow.
#pragma once

#include "cidr.h"
#include "uuid.h"

struct limit;

struct limit_key {
    uint8_t at[16];
};

// What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, as anybody who has one of those
// has all the rest.
struct limit_key limit_key_of_ip(struct ip ip);
struct limit_key limit_key_of_uuid(const struct uuid *uuid);

// `n_events` in `period_s`, all of which may come at once. 0 events: no limit. ERR_MEMORY.
enum err limit_open(struct limit **limit, int64_t n_events, unsigned period_s);

// Takes a null pointer too.
void limit_close(struct limit *limit);

// Counts an event, if there is room for it: then returns 0. Otherwise nothing is counted, and the result says in how
// many seconds there will be.
unsigned limit_take(struct limit *limit, struct limit_key key, uint64_t now_ms);

// Makes a limit_take that returned 0 undone.
void limit_give_back(struct limit *limit, struct limit_key key);

// Whether more than half of what may come at once has come.
bool limit_is_low(const struct limit *limit, struct limit_key key, uint64_t now_ms);

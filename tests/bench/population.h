// SPDX-License-Identifier: MIT
// population: the accounts every server in the bench knows, and the names nobody knows.
//
// All of it is computed from an account's number, so a store of ten million accounts, the same zone for other servers
// and the questions about them need no list in common. Numbers ascend with names: account 0 has the smallest subdomain
// and the smallest username. Any thread; nothing allocates.
#pragma once

#include "uuid.h"

#define POPULATION_ZONE "auth.example.org"
#define POPULATION_KEY  "one-key-for-every-account-of-this-bench0" // every account's password

enum { POPULATION_VALUES = 2, POPULATION_VALUE_CHARS = 43 };

// A number that depends on `seed` alone and looks random.
uint64_t population_mix(uint64_t seed);

// Of account `i` of `n`; n is at most 2^40.
struct uuid population_subdomain(uint64_t i, uint64_t n);
struct uuid population_username(uint64_t i, uint64_t n);

// A subdomain that no account has.
struct uuid population_stranger(uint64_t i);

// One of the values of account `i`, without a final zero.
void population_value(uint64_t i, unsigned which, char out[POPULATION_VALUE_CHARS]);

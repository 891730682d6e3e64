// SPDX-License-Identifier: MIT
// guard: how often a client may ask, and how often he and all others may be wrong about credentials. On the loop's
// thread.
#pragma once

#include "config.h"
#include "limit.h"

struct guard {
    struct limit *requests;         // of a client
    struct limit *failures;         // of a client
    struct limit *account_failures; // of everybody, at one account
};

// ERR_MEMORY; guard_close either way.
enum err guard_open(struct guard *guard, const struct conf *conf);
void guard_close(struct guard *guard);

// A request that costs something. 0: go on; otherwise how many seconds to wait.
unsigned guard_request(struct guard *guard, struct ip ip);

// Credentials are about to be checked: counted as a failure until guard_proved says that they are good, so that many at
// once are no way around. `account` may be a null pointer. 0: go on; otherwise how many seconds to wait.
unsigned guard_attempt(struct guard *guard, struct ip ip, const struct uuid *account);

// What guard_attempt has let go on was no failure.
void guard_proved(struct guard *guard, struct ip ip, const struct uuid *account);

// SPDX-License-Identifier: MIT
// throttle: how often a client may ask, and how often he and all others may be wrong about credentials. On the loop's
// thread.
#pragma once

#include "config.h"
#include "limit.h"

struct throttle {
    struct limit *requests;         // of a client
    struct limit *failures;         // of a client
    struct limit *account_failures; // of everybody, at one account
};

// ERR_MEMORY; throttle_close either way.
enum err throttle_open(struct throttle *throttle, const struct conf *conf);
void throttle_close(struct throttle *throttle);

// A request that costs something. 0: go on; otherwise how many seconds to wait.
unsigned throttle_request(struct throttle *throttle, struct ip ip);

// Credentials are about to be checked: counted as a failure until throttle_proved says that they are good, so that many
// at once are no way around. `account` may be a null pointer. 0: go on; otherwise how many seconds to wait.
unsigned throttle_attempt(struct throttle *throttle, struct ip ip, const struct uuid *account);

// What throttle_attempt has let go on was no failure.
void throttle_proved(struct throttle *throttle, struct ip ip, const struct uuid *account);

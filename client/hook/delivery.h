// SPDX-License-Identifier: MIT
// delivery: one challenge on its way to one server. One thread.
#pragma once

#include "enrol.h"

enum delivery_state { DELIVERY_WAITING, DELIVERY_DONE, DELIVERY_FAILED };

struct delivery {
    const struct challenge *challenge;
    size_t server;
    bool leads; // the CNAME leads to the account there
    enum delivery_state state;
    bool is_told; // that there is trouble
};

// Sends all that wait to their servers, at the same time and again with pauses, until each is taken or refused, or
// until the deadline. Servers to which no CNAME leads, and others when one to which it leads has taken a challenge, get
// a few tries only. Says what goes wrong.
void delivery_send(const struct enrol *enrol, struct delivery *deliveries, size_t n, struct pace pace);

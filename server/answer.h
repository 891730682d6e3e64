// SPDX-License-Identifier: MIT
// answer: from the bytes of a query to the bytes of its answer, in the same buffer. No socket, no heap, no lock, no
// log.
#pragma once

#include "guard.h"

// One message to be answered. The answer grows behind the question in the same buffer.
struct message {
    uint8_t *at;
    size_t n;                      // bytes of the query
    size_t max_bytes;              // room in the buffer, and what the transport carries
    bool is_udp;                   // what the client can receive limits the answer too (RFC 6891 6.2.3)
    const struct sockaddr *client; // a null pointer: unknown, so not limited and given no cookie
};

// Returns the bytes of the answer, or 0 when there is to be none. Counts what it did. The worker's thread.
size_t answer_write(struct message *message, const struct lookup *lookup, struct counters *counters);

// SPDX-License-Identifier: MIT
// exchange: bytes there and bytes back, over UDP, TCP or HTTPS. For ask.c alone.
#pragma once

#include "ask.h"

#define EXCHANGE_MAX_BYTES 65535

// One exchange. `query` is sent as it is; an answer goes to `answer`, `n_answer` bytes of it.
struct exchange {
    const struct upstream *upstream;
    struct bytes query;
    int64_t until_ms;
    const char *ca_file;
    uint8_t *answer; // room for EXCHANGE_MAX_BYTES
    size_t n_answer;
    char *detail; // room of reply.detail
};

// Whether the answer belongs to the query: id, QR and the question in any case of letters.
bool exchange_is_answered(const struct exchange *exchange);

enum ask_outcome exchange_udp(struct exchange *exchange);
enum ask_outcome exchange_tcp(struct exchange *exchange);
enum ask_outcome exchange_https(struct exchange *exchange);

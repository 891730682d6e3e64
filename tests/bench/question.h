// SPDX-License-Identifier: MIT
// question: DNS questions in wire form, made before the clock runs. One thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Header, a UUID's label, the zone, type and class, OPT: all questions are equally long.
#define QUESTION_BYTES (12 + 37 + 18 + 4 + 11)

struct questions {
    uint8_t (*at)[QUESTION_BYTES];
    size_t n;
    size_t next;
};

// `n` TXT questions in random order, nine in ten for names of `n_accounts` accounts, one for a name that does not
// exist. They stay until the program ends.
void questions_make(struct questions *questions, size_t n, uint64_t n_accounts);

// Copies the next question, with the given id; begins anew after the last.
void questions_take(struct questions *questions, uint16_t id, uint8_t out[QUESTION_BYTES]);

static inline uint16_t question_id(const uint8_t *message)
{
    return (uint16_t)(message[0] << 8 | message[1]);
}

static inline unsigned question_rcode(const uint8_t *message)
{
    return message[3] & 15;
}

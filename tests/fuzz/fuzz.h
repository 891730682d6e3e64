// SPDX-License-Identifier: MIT
// fuzz: what every target is made of. A target is handed bytes, gives them to one parser, and checks what must hold for
// whatever comes out. libFuzzer calls it with bytes of its own making; replay.c with those of a corpus.
#pragma once

#include "bytes.h"
#include "err.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

// Ends the process when something that must hold does not.
#define require(is_so, what)                                                                                           \
    do {                                                                                                               \
        if (!(is_so)) {                                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, what);                                                  \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

// A copy of its own length, so that the sanitizers see the first byte too far; to be freed.
static inline uint8_t *fuzz_copy(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.n == 0 ? 1 : bytes.n);
    require(copy != NULL, "memory");
    if (bytes.n != 0)
        memcpy(copy, bytes.at, bytes.n);
    return copy;
}

// What a target needs besides its bytes is taken off their front; 0 when there are none left.
static inline uint8_t fuzz_take(struct bytes *bytes)
{
    if (bytes->n == 0)
        return 0;
    bytes->n--;
    return *bytes->at++;
}

// SPDX-License-Identifier: MIT
// frame: where one message ends and the next begins on a DNS connection (RFC 1035 4.2.2). Pure; any thread.
#pragma once

#include "bytes.h"
#include "wire.h"

enum { FRAME_LENGTH_BYTES = 2, FRAME_MAX = FRAME_LENGTH_BYTES + TCP_MAX_BYTES };

// Takes the next message off the front of what was received; false, and nothing is taken, when it is not whole yet.
static inline bool frame_take(struct reader *in, struct bytes *message)
{
    if (reader_left(in) < FRAME_LENGTH_BYTES)
        return false;
    size_t n = (size_t)(in->at[0] << 8 | in->at[1]);
    if (reader_left(in) < FRAME_LENGTH_BYTES + n)
        return false;
    *message = (struct bytes){in->at + FRAME_LENGTH_BYTES, n};
    in->at += FRAME_LENGTH_BYTES + n;
    return true;
}

// Writes the length in front of a message of `n` bytes.
static inline void frame_set_length(uint8_t frame[static FRAME_LENGTH_BYTES], size_t n)
{
    frame[0] = (uint8_t)(n >> 8);
    frame[1] = (uint8_t)n;
}

// SPDX-License-Identifier: MIT
// Messages on a TCP connection. However the bytes are cut into reads, the same messages come out, in order, each just
// as long as it says, and what is left over is the beginning of one. The first bytes of the input say where to cut.
#include "frame.h"
#include "fuzz.h"

enum { N_CUTS = 4 };

// A stream that has been read up to `end`.
struct stream {
    struct bytes all;
    size_t at;
};

static bool next(struct stream *stream, size_t end, struct bytes *message)
{
    struct reader r = reader_of(stream->all.at + stream->at, end - stream->at);
    if (!frame_take(&r, message)) {
        require(reader_left(&r) == end - stream->at, "a piece of a message was taken");
        return false;
    }
    stream->at = end - reader_left(&r);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bytes in = {data, n};
    size_t cuts[N_CUTS];
    for (unsigned i = 0; i < N_CUTS; i++)
        cuts[i] = fuzz_take(&in);
    uint8_t *copy = fuzz_copy(in);
    struct stream whole = {{copy, in.n}, 0}, cut = {{copy, in.n}, 0};
    struct bytes expected, message;
    size_t end = 0, n_messages = 0;

    for (size_t i = 0; next(&whole, in.n, &expected); i++, n_messages++) {
        uint8_t length[FRAME_LENGTH_BYTES];
        frame_set_length(length, expected.n);
        require(memcmp(expected.at - FRAME_LENGTH_BYTES, length, sizeof length) == 0, "not as long as it says");
        for (; !next(&cut, end, &message); i++) {
            require(end < in.n, "a message is missing");
            end += cuts[i % N_CUTS] + 1u;
            end = end < in.n ? end : in.n;
        }
        require(message.at == expected.at && message.n == expected.n, "cut elsewhere, other messages");
    }
    require(!next(&cut, in.n, &message) && cut.at == whole.at, "more messages than there are");
    size_t n_left = in.n - whole.at;
    require(n_left < FRAME_LENGTH_BYTES ||
                n_left < FRAME_LENGTH_BYTES + (size_t)(copy[whole.at] << 8 | copy[whole.at + 1]),
            "a whole message is left over");
    free(copy);
    return 0;
}

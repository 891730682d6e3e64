// SPDX-License-Identifier: MIT
// bytes: a view of memory that somebody else owns, and two cursors over memory in network byte order.
//
// The cursors' first error sticks: after it every take returns zero, every put does nothing, and one look at `is_bad`
// (or one call of reader_end / writer_end) at the end tells whether the whole walk was sound. Nothing here allocates;
// everything is inline because the DNS query path is made of it. Any thread; a cursor belongs to its caller.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// A view. `at` may be a null pointer when `n` is 0.
struct bytes {
    const uint8_t *at;
    size_t n;
};

static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

// Reads from `at` up to `end`.
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
};

static inline struct reader reader_of(const void *data, size_t n)
{
    const uint8_t *at = data;
    return (struct reader){at, n == 0 ? at : at + n, false};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

// The next `n` bytes in place, or a null pointer and is_bad when fewer are left.
static inline const uint8_t *take_bytes(struct reader *r, size_t n)
{
    if (r->is_bad || reader_left(r) < n) {
        r->is_bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += n;
    return at;
}

static inline uint8_t take_u8(struct reader *r)
{
    const uint8_t *p = take_bytes(r, 1);
    return p == NULL ? 0 : p[0];
}

static inline uint16_t take_u16(struct reader *r)
{
    const uint8_t *p = take_bytes(r, 2);
    if (p == NULL)
        return 0;
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint64_t take_big_endian(struct reader *r, size_t n)
{
    const uint8_t *p = take_bytes(r, n);
    uint64_t number = 0;
    for (size_t i = 0; p != NULL && i < n; i++)
        number = number << 8 | p[i];
    return number;
}

static inline uint32_t take_u32(struct reader *r)
{
    return (uint32_t)take_big_endian(r, 4);
}

static inline uint64_t take_u64(struct reader *r)
{
    return take_big_endian(r, 8);
}

// True when nothing went wrong and nothing is left over.
static inline bool reader_is_done(const struct reader *r)
{
    return !r->is_bad && r->at == r->end;
}

// Writes from `at` up to `end`; `start` is where offsets count from.
struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool is_bad;
};

static inline struct writer writer_of(void *data, size_t n)
{
    uint8_t *at = data;
    return (struct writer){at, at, at + n, false};
}

static inline size_t writer_used(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

static inline size_t writer_left(const struct writer *w)
{
    return (size_t)(w->end - w->at);
}

// Room for `n` bytes to be filled by the caller, or a null pointer and is_bad when it does not fit.
static inline uint8_t *put_space(struct writer *w, size_t n)
{
    if (w->is_bad || writer_left(w) < n) {
        w->is_bad = true;
        return NULL;
    }
    uint8_t *at = w->at;
    w->at += n;
    return at;
}

static inline void put_bytes(struct writer *w, const void *data, size_t n)
{
    uint8_t *p = put_space(w, n);
    if (p != NULL && n != 0)
        memcpy(p, data, n);
}

static inline void put_u8(struct writer *w, unsigned value)
{
    uint8_t *p = put_space(w, 1);
    if (p != NULL)
        p[0] = (uint8_t)value;
}

static inline void put_u16(struct writer *w, unsigned value)
{
    uint8_t *p = put_space(w, 2);
    if (p != NULL) {
        p[0] = (uint8_t)(value >> 8);
        p[1] = (uint8_t)value;
    }
}

static inline void put_big_endian(struct writer *w, uint64_t number, size_t n)
{
    uint8_t *p = put_space(w, n);
    for (size_t i = n; p != NULL && i-- > 0; number >>= 8)
        p[i] = (uint8_t)number;
}

static inline void put_u32(struct writer *w, uint32_t value)
{
    put_big_endian(w, value, 4);
}

static inline void put_u64(struct writer *w, uint64_t value)
{
    put_big_endian(w, value, 8);
}

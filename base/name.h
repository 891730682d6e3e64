// SPDX-License-Identifier: MIT
// name: domain names in wire form (RFC 1035 3.1): labels, each behind one byte of length, then the root's zero byte.
//
// A *prefix* is the part of a name in front of a zone's apex: the same labels without a root. Any thread; nothing
// allocates.
#pragma once

#include "bytes.h"

#define CHALLENGE_LABEL "_acme-challenge" // in front of a name that is to be certified (RFC 8555 8.4)
#define NAME_MAX_BYTES  255
#define NAME_MAX_LABELS 127
#define LABEL_MAX_BYTES 63

// ASCII capitals become small; every other byte stays (RFC 4343).
static inline uint8_t name_fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

// Folded bytes, eight at a time: for small tables of names that we chose ourselves.
static inline uint32_t name_hash(struct bytes folded)
{
    static const uint64_t odd = 0x9e3779b97f4a7c15u;
    uint64_t hash = folded.n;
    size_t at = 0;
    for (; at + sizeof hash <= folded.n; at += sizeof hash) {
        uint64_t word;
        memcpy(&word, folded.at + at, sizeof word);
        hash = (hash ^ word) * odd;
        hash ^= hash >> 32;
    }
    for (; at < folded.n; at++)
        hash = (hash ^ folded.at[at]) * odd;
    return (uint32_t)(hash >> 32);
}

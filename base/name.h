// SPDX-License-Identifier: MIT
// name: domain names in wire form (RFC 1035 3.1): labels, each behind one byte of length, then the root's zero byte.
//
// A *prefix* is the part of a name in front of a zone's apex: the same labels without a root. Any thread; nothing
// allocates.
#pragma once

#include "bytes.h"

#define NAME_MAX_BYTES  255
#define NAME_MAX_LABELS 127
#define LABEL_MAX_BYTES 63

// ASCII capitals become small; every other byte stays (RFC 4343).
static inline uint8_t name_fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

// FNV-1a over folded bytes: for small tables of names that we chose ourselves.
static inline uint32_t name_hash(struct bytes folded)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < folded.n; i++)
        hash = (hash ^ folded.at[i]) * 16777619u;
    return hash;
}

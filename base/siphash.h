// SPDX-License-Identifier: MIT
// siphash: SipHash-2-4, a keyed hash for short inputs that come from strangers (Aumasson, Bernstein: "SipHash: a fast
// short-input PRF", 2012). No library of this program's has it. Any thread.
#pragma once

#include "bytes.h"
#include "err.h"

#define SIPHASH_KEY_BYTES  16
#define SIPHASH_KEY_DIGITS 32

struct siphash_key {
    uint64_t k0;
    uint64_t k1;
};

struct siphash_key siphash_key_of(const uint8_t at[static SIPHASH_KEY_BYTES]);

// A key that nobody else has.
struct siphash_key siphash_key_random(void);

// Reads 32 hexadecimal digits. ERR_SYNTAX: anything else.
enum err siphash_key_parse(const char *text, struct siphash_key *key);

// The hash as a number; where it is sent, its bytes go least significant first.
uint64_t siphash(const struct siphash_key *key, struct bytes input);

// The same of two words, each as eight bytes, least significant first.
uint64_t siphash_of_words(const struct siphash_key *key, uint64_t a, uint64_t b);

// SPDX-License-Identifier: MIT
// Four words of state, stirred twice for each word of input and four times at the end. The last word of input carries
// the bytes that are left and, in its top byte, the length.
#include "siphash.h"

#include "secret.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t word, unsigned n)
{
    return word << n | word >> (64 - n);
}

static inline void stir(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline struct state begin(const struct siphash_key *key)
{
    return (struct state){key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d, key->k0 ^ 0x6c7967656e657261,
                          key->k1 ^ 0x7465646279746573};
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    stir(s);
    stir(s);
    s->v0 ^= word;
}

static inline uint64_t end(struct state *s)
{
    s->v2 ^= 0xff;
    for (unsigned i = 0; i < 4; i++)
        stir(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static uint64_t little_endian(const uint8_t *at, size_t n)
{
    uint64_t word = 0;
    for (size_t i = n; i-- > 0;)
        word = word << 8 | at[i];
    return word;
}

uint64_t siphash(const struct siphash_key *key, struct bytes input)
{
    struct state s = begin(key);
    size_t at = 0;
    for (; input.n - at >= 8; at += 8)
        absorb(&s, little_endian(input.at + at, 8));
    absorb(&s, (uint64_t)input.n << 56 | little_endian(input.at + at, input.n - at));
    return end(&s);
}

uint64_t siphash_of_words(const struct siphash_key *key, uint64_t a, uint64_t b)
{
    struct state s = begin(key);
    absorb(&s, a);
    absorb(&s, b);
    absorb(&s, (uint64_t)16 << 56);
    return end(&s);
}

struct siphash_key siphash_key_of(const uint8_t at[static SIPHASH_KEY_BYTES])
{
    return (struct siphash_key){little_endian(at, 8), little_endian(at + 8, 8)};
}

struct siphash_key siphash_key_random(void)
{
    struct siphash_key key;
    secret_random(&key, sizeof key);
    return key;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err siphash_key_parse(const char *text, struct siphash_key *key)
{
    uint8_t bytes[SIPHASH_KEY_BYTES];
    if (strlen(text) != SIPHASH_KEY_DIGITS)
        return ERR_SYNTAX;
    for (size_t i = 0; i < sizeof bytes; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *key = siphash_key_of(bytes);
    return ERR_OK;
}

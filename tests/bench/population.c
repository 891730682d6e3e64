// SPDX-License-Identifier: MIT
// The first 48 bits of a name are cut into n strata, and account i gets a random place in stratum i: so names are as
// evenly spread as random ones, yet sorted from the start, and a store can be filled by appending.
#include "population.h"

enum { STRATUM_BITS = 48 };
enum salt { SALT_SUBDOMAIN = 1, SALT_USERNAME, SALT_STRANGER, SALT_VALUE };

uint64_t population_mix(uint64_t seed) // splitmix64, by Sebastiano Vigna
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t random_of(uint64_t i, enum salt salt, unsigned which)
{
    return population_mix(population_mix(i << 8 | which) + salt);
}

// A version 4 UUID (RFC 9562 5.4) that begins with the `STRATUM_BITS` lowest bits of `place`.
static struct uuid uuid_at(uint64_t place, uint64_t random)
{
    struct uuid uuid;
    struct writer w = writer_of(uuid.at, sizeof uuid.at);
    put_u16(&w, (unsigned)(place >> 32 & 0xffff));
    put_u32(&w, (uint32_t)place);
    put_u16(&w, 0x4000 | (unsigned)(random & 0x0fff));
    put_u64(&w, (random >> 2) | 1ull << 63);
    return uuid;
}

static struct uuid uuid_of(uint64_t i, uint64_t n, enum salt salt)
{
    uint64_t stratum = (1ull << STRATUM_BITS) / n;
    return uuid_at(i * stratum + random_of(i, salt, 0) % stratum, random_of(i, salt, 1));
}

struct uuid population_subdomain(uint64_t i, uint64_t n)
{
    return uuid_of(i, n, SALT_SUBDOMAIN);
}

struct uuid population_username(uint64_t i, uint64_t n)
{
    return uuid_of(i, n, SALT_USERNAME);
}

struct uuid population_stranger(uint64_t i)
{
    return uuid_at(random_of(i, SALT_STRANGER, 0), random_of(i, SALT_STRANGER, 1));
}

void population_value(uint64_t i, unsigned which, char out[POPULATION_VALUE_CHARS])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (unsigned at = 0; at < POPULATION_VALUE_CHARS; at++) {
        uint64_t random = random_of(i, SALT_VALUE, which << 4 | at / 10);
        out[at] = letters[random >> at % 10 * 6 & 63];
    }
}

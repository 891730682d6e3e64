// SPDX-License-Identifier: MIT
// RFC 9018 4: version 1, three reserved bytes, the time, and SipHash-2-4 over the client's cookie, all of these and the
// client's address. A cookie is good for an hour, and for five minutes ahead of our clock, since another server may
// have made it; it is renewed after half an hour. Times are compared as serial numbers (RFC 1982).
#include "cookie.h"

#include "secret.h"

enum { VERSION = 1, HASH_BYTES = 8, HASHED_BYTES = COOKIE_BYTES - HASH_BYTES };
enum { TIME_AT = COOKIE_CLIENT_BYTES + 4, AGE_MAX_S = 3600, AHEAD_MAX_S = 300, RENEW_S = 1800 };

struct cookie_keys cookie_keys_of(const char *secret, const char *other)
{
    struct cookie_keys keys = {.now = siphash_key_random()};
    if (siphash_key_parse(secret, &keys.now) != ERR_OK)
        keys.now = siphash_key_random();
    keys.has_other = siphash_key_parse(other, &keys.other) == ERR_OK;
    return keys;
}

// The hash that belongs to the front of `cookie`, reserved bytes as they came.
static void write_hash(const struct siphash_key *key, const uint8_t *cookie, struct ip ip, uint8_t out[HASH_BYTES])
{
    uint8_t input[HASHED_BYTES + sizeof ip.at];
    size_t n_ip = ip_is_v4(ip) ? 4 : sizeof ip.at;
    memcpy(input, cookie, HASHED_BYTES);
    memcpy(input + HASHED_BYTES, ip.at + sizeof ip.at - n_ip, n_ip);
    uint64_t hash = siphash(key, (struct bytes){input, HASHED_BYTES + n_ip});
    for (unsigned i = 0; i < HASH_BYTES; i++)
        out[i] = (uint8_t)(hash >> 8 * i);
}

static bool is_made_with(const struct siphash_key *key, const uint8_t *cookie, struct ip ip)
{
    uint8_t hash[HASH_BYTES];
    write_hash(key, cookie, ip, hash);
    return secret_equal(hash, cookie + HASHED_BYTES, HASH_BYTES);
}

enum cookie_state cookie_check(const struct cookie_keys *keys, struct bytes cookie, const struct cookie_client *client)
{
    if (cookie.n == 0)
        return COOKIE_NONE;
    if (cookie.n == COOKIE_CLIENT_BYTES)
        return COOKIE_CLIENT_ONLY;
    if (cookie.n != COOKIE_BYTES || cookie.at[COOKIE_CLIENT_BYTES] != VERSION)
        return COOKIE_BAD;
    struct reader time = reader_of(cookie.at + TIME_AT, 4);
    int32_t age_s = (int32_t)(client->now_s - take_u32(&time));
    if (age_s > AGE_MAX_S || age_s < -AHEAD_MAX_S)
        return COOKIE_BAD;
    if (is_made_with(&keys->now, cookie.at, client->ip))
        return age_s > RENEW_S ? COOKIE_RENEW : COOKIE_FRESH;
    return keys->has_other && is_made_with(&keys->other, cookie.at, client->ip) ? COOKIE_RENEW : COOKIE_BAD;
}

void cookie_write(const struct cookie_keys *keys, const struct cookie_client *client,
                  uint8_t cookie[static COOKIE_BYTES])
{
    struct writer w = writer_of(cookie + COOKIE_CLIENT_BYTES, COOKIE_SERVER_BYTES - HASH_BYTES);
    put_u32(&w, (uint32_t)VERSION << 24);
    put_u32(&w, client->now_s);
    write_hash(&keys->now, cookie, client->ip, cookie + HASHED_BYTES);
}

// SPDX-License-Identifier: MIT
// Everything that must not be guessed. A password is drawn from 64 letters, so six random bits make one letter without
// bias. A hash is argon2id in its PHC spelling: cost and salt travel with it, so costs may change from one version to
// the next while old hashes stay good.
#include "secret.h"

#include <argon2.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SALT_BYTES = 16, TAG_BYTES = 32 };

void secret_random(void *out, size_t n)
{
    uint8_t *at = out;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got <= 0)
            abort();
        at += got;
        n -= (size_t)got;
    }
}

void secret_password(char out[SECRET_PASSWORD_CHARS + 1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    uint8_t random[SECRET_PASSWORD_CHARS];
    secret_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        out[i] = letters[random[i] & 63];
    out[SECRET_PASSWORD_CHARS] = '\0';
}

enum err secret_hash(const struct secret_cost *cost, struct bytes password, char out[SECRET_HASH_MAX])
{
    uint8_t salt[SALT_BYTES];
    secret_random(salt, sizeof salt);
    if (argon2_encodedlen(cost->n_passes, cost->memory_kib, cost->n_lanes, SALT_BYTES, TAG_BYTES, Argon2_id) >
        SECRET_HASH_MAX)
        return ERR_RANGE;
    char text[SECRET_HASH_MAX];
    int status = argon2id_hash_encoded(cost->n_passes, cost->memory_kib, cost->n_lanes, password.at, password.n, salt,
                                       sizeof salt, TAG_BYTES, text, sizeof text);
    if (status == ARGON2_MEMORY_ALLOCATION_ERROR)
        return ERR_MEMORY;
    if (status != ARGON2_OK)
        return ERR_RANGE;
    memcpy(out, text, sizeof text);
    return ERR_OK;
}

enum err secret_verify(const char *hash, struct bytes password)
{
    switch (argon2id_verify(hash, password.at, password.n)) {
    case ARGON2_OK:
        return ERR_OK;
    case ARGON2_VERIFY_MISMATCH:
        return ERR_FORBIDDEN;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
        return ERR_MEMORY;
    default:
        return ERR_CORRUPT;
    }
}

bool secret_equal(const void *a, const void *b, size_t n)
{
    return memeql_sec(a, b, n) != 0;
}

void secret_mac(const struct secret_mac_key *key, const struct bytes *parts, size_t n_parts,
                uint8_t out[SECRET_MAC_BYTES])
{
    struct hmac_sha256_ctx mac;
    hmac_sha256_set_key(&mac, sizeof key->at, key->at);
    for (size_t i = 0; i < n_parts; i++) {
        uint8_t length[8];
        struct writer w = writer_of(length, sizeof length);
        put_u64(&w, parts[i].n);
        hmac_sha256_update(&mac, sizeof length, length);
        hmac_sha256_update(&mac, parts[i].n, parts[i].at);
    }
    hmac_sha256_digest(&mac, SECRET_MAC_BYTES, out);
}

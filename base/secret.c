// SPDX-License-Identifier: MIT
// Everything that must not be guessed. A password is drawn from 64 letters, so six random bits make one letter without
// bias. A hash is argon2id in its PHC spelling: cost and salt travel with it, so costs may change from one version to
// the next while old hashes stay good.
//
// Whoever comes from acme-dns brings bcrypt hashes along. libcrypt checks those; it needs 32 KiB of work space, which
// is taken from the heap as the hasher's stacks are small.
#include "secret.h"

#include <argon2.h>
#include <crypt.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SALT_BYTES = 16, TAG_BYTES = 32 };
enum { BCRYPT_CHARS = 60, BCRYPT_PASSWORD_MAX = 72, BCRYPT_COST_MAX = 14 }; // a cost more is twice the time

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

static enum err verify_argon2(const char *hash, struct bytes password)
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

// "$2b$10$" and 53 characters. bcrypt would cut a longer password off.
static enum err verify_bcrypt(const char *hash, struct bytes password)
{
    char text[BCRYPT_PASSWORD_MAX + 1] = {0};
    if (strlen(hash) != BCRYPT_CHARS || hash[6] != '$' || strtoul(hash + 4, NULL, 10) > BCRYPT_COST_MAX)
        return ERR_CORRUPT;
    if (password.n > BCRYPT_PASSWORD_MAX || memchr(password.at, 0, password.n) != NULL)
        return ERR_FORBIDDEN;
    struct crypt_data *space = calloc(1, sizeof *space);
    if (space == NULL)
        return ERR_MEMORY;
    memcpy(text, password.at, password.n);
    const char *made = crypt_r(text, hash, space);
    enum err err = ERR_CORRUPT;
    if (made != NULL && strlen(made) == BCRYPT_CHARS)
        err = secret_equal(made, hash, BCRYPT_CHARS) ? ERR_OK : ERR_FORBIDDEN;
    explicit_bzero(text, sizeof text);
    explicit_bzero(space, sizeof *space);
    free(space);
    return err;
}

static const struct form {
    const char *beginning;
    enum err (*verify)(const char *hash, struct bytes password);
    bool is_ours;
} forms[] = {
    {"$argon2id$", verify_argon2, true},
    {"$2a$", verify_bcrypt, false},
    {"$2b$", verify_bcrypt, false},
    {"$2y$", verify_bcrypt, false},
};

static const struct form *find_form(const char *hash)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strncmp(hash, forms[i].beginning, strlen(forms[i].beginning)) == 0)
            return &forms[i];
    return NULL;
}

enum err secret_verify(const char *hash, struct bytes password)
{
    const struct form *form = find_form(hash);
    return form == NULL ? ERR_CORRUPT : form->verify(hash, password);
}

bool secret_is_foreign(const char *hash)
{
    const struct form *form = find_form(hash);
    return form == NULL || !form->is_ours;
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

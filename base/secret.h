// SPDX-License-Identifier: MIT
// secret: random bytes, passwords, their hashes, and comparisons that do not tell time.
//
// The door of argon2, of libcrypt's bcrypt and of nettle. Any thread. secret_hash and secret_verify take tens of
// milliseconds and megabytes by design: never call them on an event loop.
#pragma once

#include "bytes.h"
#include "err.h"

#define SECRET_PASSWORD_CHARS 40  // of [A-Za-z0-9_-]: 240 bits
#define SECRET_HASH_MAX       192 // a PHC string and its final zero
#define SECRET_MAC_BYTES      32

// The cost of a new hash; a stored hash carries its own.
struct secret_cost {
    uint32_t memory_kib;
    uint32_t n_passes;
    uint32_t n_lanes;
};

struct secret_mac_key {
    uint8_t at[32];
};

// Fills from the kernel's generator; aborts the process if the kernel has none to give.
void secret_random(void *out, size_t n);

// A new password and its final zero.
void secret_password(char out[SECRET_PASSWORD_CHARS + 1]);

// argon2id into a PHC string ("$argon2id$v=19$m=…,t=…,p=…$salt$hash", RFC 9106). ERR_MEMORY, or ERR_RANGE for a cost
// that argon2 refuses.
enum err secret_hash(const struct secret_cost *cost, struct bytes password, char out[SECRET_HASH_MAX]);

// ERR_OK when the password belongs to the hash, ERR_FORBIDDEN when not, ERR_MEMORY. The hash is a PHC string of
// argon2id or one of bcrypt ("$2a$", "$2b$", "$2y$"), as acme-dns keeps it. ERR_CORRUPT: it is something else, or of a
// cost that would take seconds.
enum err secret_verify(const char *hash, struct bytes password);

// Whether the hash is one that secret_hash does not make, and is to be replaced when the password is at hand.
bool secret_is_foreign(const char *hash);

// Whether two runs of `n` bytes are equal, in a time that depends on `n` alone.
bool secret_equal(const void *a, const void *b, size_t n);

// HMAC-SHA-256 over `n_parts` parts, each preceded by its length, so that no two lists of parts share an input.
void secret_mac(const struct secret_mac_key *key, const struct bytes *parts, size_t n_parts,
                uint8_t out[SECRET_MAC_BYTES]);

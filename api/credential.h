// SPDX-License-Identifier: MIT
// credential: remembers which credentials have been verified, so that a client's next update skips the slow hash.
//
// Used on the loop's thread only. Neither passwords nor anything a password can be tried against is kept: an entry is a
// MAC under a random key of this process. The stored hash is part of what is authenticated, so an account whose
// password changes misses by construction, and there is nothing to invalidate.
#pragma once

#include "secret.h"
#include "uuid.h"

struct credential_cache;

struct credential {
    struct uuid username;
    struct bytes password;
    struct bytes hash; // as the store has it now
};

// Room for about `n_entries`; 0 makes a cache that remembers nothing. ERR_MEMORY.
enum err credential_open(struct credential_cache **cache, size_t n_entries);

// Takes a null pointer too.
void credential_close(struct credential_cache *cache);

bool credential_is_known(const struct credential_cache *cache, const struct credential *credential);

// Only for a credential that secret_verify has just accepted. May push out another one.
void credential_remember(struct credential_cache *cache, const struct credential *credential);

// SPDX-License-Identifier: MIT
// auth: the shapes of credentials, registration tokens, and an account's networks.
//
// Pure functions; any thread. Who compares a secret does it here or in base's secret, in a time that does not depend on
// where the first difference is.
#pragma once

#include "config.h"
#include "uuid.h"

// X-Api-User and X-Api-Key as sent; null pointers when missing. ERR_FORBIDDEN: the user is no UUID in any spelling, or
// the key is not 40 characters of [A-Za-z0-9_-].
enum err auth_parse(const char *user, const char *key, struct uuid *username);

// The token that opens /register: a bearer token or the password of basic authentication in `authorization`, which may
// be a null pointer or nonsense, or else the text before /register in the path. A null pointer when none fits.
const struct token *auth_find_token(const struct tokens *tokens, const char *authorization, struct bytes prefix);

// Whether an account with this list (struct account) may be used from `ip`. An entry that does not parse lets nobody
// in.
bool auth_allows(struct bytes allowfrom, struct ip ip);

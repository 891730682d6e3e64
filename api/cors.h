// SPDX-License-Identifier: MIT
// cors: which pages on the web may call the API from a browser (the Fetch standard's CORS protocol).
//
// Pure functions; any thread.
#pragma once

#include "config.h"

#define CORS_ALLOW_HEADERS "Content-Type, X-Api-User, X-Api-Key, Authorization"
#define CORS_MAX_AGE       "86400" // seconds; browsers take less if they want

// What goes into Access-Control-Allow-Origin for a request with this Origin: "*" when the configuration lets everybody
// in, the origin itself when a pattern fits, or a null pointer when none does. A null `origin` fits nothing.
const char *cors_find(const struct texts *patterns, const char *origin);

// Whether answers differ by origin, so that caches must be told with "Vary: Origin".
bool cors_varies(const struct texts *patterns);

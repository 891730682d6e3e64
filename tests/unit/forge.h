// SPDX-License-Identifier: MIT
// forge: self-signed certificates and their keys as PEM files, for tests.
#pragma once

#include "tempdir.h"

#include <time.h>

// Writes NAME.crt and NAME.key into the folder, good until `expires`. The nameless one has its name in the
// alternative names only.
void forge_pair(const struct tempdir *dir, const char *name, time_t expires);
void forge_nameless_pair(const struct tempdir *dir, const char *name, time_t expires);

// Copies a file over another one, in place; `n_bytes` of it, or all when 0.
void forge_copy(const struct tempdir *dir, const char *from, const char *to, size_t n_bytes);

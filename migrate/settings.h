// SPDX-License-Identifier: MIT
// settings: the config file of an acme-dns: where its accounts are, and the same file for acmezone. One thread.
#pragma once

#include "source.h"

#include <stdio.h>

struct settings;

// ERR_NOT_FOUND, ERR_SYSTEM, ERR_TOO_LARGE; ERR_SYNTAX: it is no such file, or names no database of acme-dns; note->why
// says more.
enum err settings_read(struct settings **settings, const char *file, struct source_note *note);
void settings_free(struct settings *settings);

// What to give to source_open. A relative path is looked for where we are, else beside the config file.
const char *settings_source(const struct settings *settings);

// The file as it is, comments and all, but with a store of acmezone in `directory`.
void settings_write(const struct settings *settings, const char *directory, FILE *out);

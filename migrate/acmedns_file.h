// SPDX-License-Identifier: MIT
// acmedns_file: a new database of acme-dns, the way back. The door of libsqlite3 for writing. One thread.
//
// It is made as acme-dns makes it (version 1, of all its releases since 0.2), beside `path` under another name, and
// gets that name when it is whole. acme-dns keeps two values for each account: the youngest two are written.
#pragma once

#include "source.h"

struct acmedns_file;

// ERR_EXISTS: there is such a file. ERR_SYSTEM, ERR_STORE, ERR_MEMORY; note->why says more.
enum err acmedns_file_open(struct acmedns_file **file, const char *path, struct source_note *note);

enum err acmedns_file_add(struct acmedns_file *file, const struct store_entry *entry, struct source_note *note);

// Ends the file, synced, and frees; without `is_whole` nothing is left of it.
enum err acmedns_file_close(struct acmedns_file *file, bool is_whole, struct source_note *note);

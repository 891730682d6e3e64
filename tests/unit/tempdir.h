// SPDX-License-Identifier: MIT
// tempdir: a folder that is gone after the test, and the files in it. What fails here fails the test.
#pragma once

#include <stddef.h>

#define TEMPDIR_PATH_MAX 256

struct tempdir {
    char path[TEMPDIR_PATH_MAX];
};

void tempdir_make(struct tempdir *dir);
void tempdir_remove(const struct tempdir *dir); // with all that is in it

// The path of a file in it; returns `path`.
const char *tempdir_join(const struct tempdir *dir, const char *name, char path[static TEMPDIR_PATH_MAX]);

// All of a file and a NUL behind it; to be freed.
char *tempdir_read(const struct tempdir *dir, const char *name, size_t *n);

// Makes the file, or makes it anew.
void tempdir_write(const struct tempdir *dir, const char *name, const void *data, size_t n);

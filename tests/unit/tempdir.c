// SPDX-License-Identifier: MIT
// mkdtemp under TMPDIR, and nftw to take it away.
#include "tempdir.h"

#include "expect.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIPTORS = 8 };

void tempdir_make(struct tempdir *dir)
{
    const char *parent = getenv("TMPDIR");
    int n = snprintf(dir->path, sizeof dir->path, "%s/acmezone-unit-XXXXXX", parent == NULL ? "/tmp" : parent);
    assert_true(n > 0 && (size_t)n < sizeof dir->path - 64); // room for the names of files
    assert_non_null(mkdtemp(dir->path));
}

static int remove_one(const char *path, const struct stat *, int, struct FTW *)
{
    return remove(path);
}

void tempdir_remove(const struct tempdir *dir)
{
    assert_int_equal(nftw(dir->path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS), 0);
}

const char *tempdir_join(const struct tempdir *dir, const char *name, char path[static TEMPDIR_PATH_MAX])
{
    int n = snprintf(path, TEMPDIR_PATH_MAX, "%s/%s", dir->path, name);
    assert_true(n > 0 && n < TEMPDIR_PATH_MAX);
    return path;
}

char *tempdir_read(const struct tempdir *dir, const char *name, size_t *n)
{
    char path[TEMPDIR_PATH_MAX];
    char *text = NULL;
    FILE *file = fopen(tempdir_join(dir, name, path), "r");
    assert_non_null(file);
    FILE *copy = open_memstream(&text, n);
    assert_non_null(copy);
    for (int c; (c = fgetc(file)) != EOF;)
        fputc(c, copy);
    assert_int_equal(fclose(copy), 0);
    fclose(file);
    return text;
}

void tempdir_write(const struct tempdir *dir, const char *name, const void *data, size_t n)
{
    char path[TEMPDIR_PATH_MAX];
    FILE *file = fopen(tempdir_join(dir, name, path), "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0); // a private key is refused otherwise
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

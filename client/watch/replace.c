// SPDX-License-Identifier: MIT
// replace: the directory is synced too, or a power cut could bring the old file back after somebody has acted on the
// new one.
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *text, mode_t mode)
{
    size_t n = strlen(text);
    for (size_t at = 0; at < n;) {
        ssize_t written = write(fd, text + at, n - at);
        if (written < 0 && errno != EINTR)
            return false;
        at += written > 0 ? (size_t)written : 0;
    }
    return fchmod(fd, mode) == 0 && fsync(fd) == 0;
}

static void sync_directory(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

enum err replace_file(const char *path, const char *text, mode_t mode)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= (int)sizeof beside) {
        errno = ENAMETOOLONG;
        return ERR_SYSTEM;
    }
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return ERR_SYSTEM;
    bool is_written = write_all(fd, text, mode);
    is_written = close(fd) == 0 && is_written;
    if (is_written && rename(beside, path) == 0) {
        sync_directory(path);
        return ERR_OK;
    }
    int error = errno;
    unlink(beside);
    errno = error;
    return ERR_SYSTEM;
}

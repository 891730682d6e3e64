// SPDX-License-Identifier: MIT
// Synced, renamed, and the directory synced: after a power cut there is the old file or the new one.
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err newfile_begin(struct newfile *file, const char *path)
{
    *file = (struct newfile){.path = path};
    int n = snprintf(file->draft, sizeof file->draft, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof file->draft) {
        errno = ENAMETOOLONG;
        return ERR_RANGE;
    }
    file->fd = mkostemp(file->draft, O_CLOEXEC);
    return file->fd < 0 ? ERR_SYSTEM : ERR_OK;
}

static enum err sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (directory == NULL)
        return ERR_SYSTEM;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (fd < 0)
        return ERR_SYSTEM;
    enum err err = fsync(fd) == 0 ? ERR_OK : ERR_SYSTEM;
    close(fd);
    return err;
}

enum err newfile_end(struct newfile *file, bool is_kept)
{
    bool is_named = is_kept && fsync(file->fd) == 0 && rename(file->draft, file->path) == 0;
    int saved = errno;
    if (!is_named)
        unlink(file->draft);
    close(file->fd);
    errno = saved;
    if (!is_kept)
        return ERR_OK;
    return is_named ? sync_directory_of(file->path) : ERR_SYSTEM;
}

static bool write_all(int fd, struct bytes content)
{
    for (size_t at = 0; at < content.n;) {
        ssize_t n = write(fd, content.at + at, content.n - at);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

enum err newfile_write(const char *path, struct bytes content, mode_t mode)
{
    struct newfile file;
    enum err err = newfile_begin(&file, path);
    if (err != ERR_OK)
        return err;
    bool is_written = write_all(file.fd, content) && fchmod(file.fd, mode) == 0;
    int saved = errno;
    err = newfile_end(&file, is_written);
    if (is_written)
        return err;
    errno = saved;
    return ERR_SYSTEM;
}

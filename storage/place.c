// SPDX-License-Identifier: MIT
// Who can read the store's file has every account's hash and network list, and who can write it decides what is served.
// So "others" in the sense of Unix must have no access to the files; and none to the directory when it is ours. One
// that belongs to somebody else, or is sticky like /tmp, is a volume that was mounted for us (Kubernetes' emptyDir, a
// fresh tmpfs): its mode is nobody's choice, and the files in it are closed all the same.
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err refuse(struct log *log, const char *path, enum err err, const char *reason)
{
    log_write(log, LOG_ERROR, "store.refused", LOG_STR("path", path), LOG_STR("step", "directory"), LOG_ERR(err),
              LOG_STR("reason", reason));
    return err;
}

static bool is_open_to_others(const struct stat *st)
{
    return (st->st_mode & S_IRWXO) != 0;
}

enum err store_make_directory(const char *directory, struct log *log)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    static const char why[] = "others can get at it: chmod o-rwx";
    struct stat st;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return refuse(log, directory, ERR_SYSTEM, strerror(errno));
    if (stat(directory, &st) != 0)
        return refuse(log, directory, ERR_SYSTEM, strerror(errno));
    if (st.st_uid == geteuid() && (st.st_mode & S_ISVTX) == 0 && is_open_to_others(&st))
        return refuse(log, directory, ERR_FORBIDDEN, why);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        if (stat(path, &st) == 0 && is_open_to_others(&st))
            return refuse(log, path, ERR_FORBIDDEN, why);
    }
    return ERR_OK;
}

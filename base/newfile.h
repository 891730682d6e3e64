// SPDX-License-Identifier: MIT
// newfile: a file that gets its name when it is whole, in place of what had that name, or leaves nothing. Any thread.
#pragma once

#include "bytes.h"
#include "err.h"

#include <sys/types.h>

#define NEWFILE_PATH_MAX 4200

struct newfile {
    const char *path;             // of the file to be; the caller's
    char draft[NEWFILE_PATH_MAX]; // what it is called meanwhile, beside `path`
    int fd;
};

// An empty file, mode 0600, to be written through `fd`. ERR_RANGE: the path is too long. ERR_SYSTEM. errno says why.
enum err newfile_begin(struct newfile *file, const char *path);

// Syncs and names it, or removes it when it is not to be kept. ERR_SYSTEM: errno says why; it is gone.
enum err newfile_end(struct newfile *file, bool is_kept);

// All of it at once. ERR_RANGE, ERR_SYSTEM: errno says why; what was there is as it was.
enum err newfile_write(const char *path, struct bytes content, mode_t mode);

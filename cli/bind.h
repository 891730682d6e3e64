// SPDX-License-Identifier: MIT
// bind: the listening sockets of what is served over HTTP. Main thread, at start.
#pragma once

#include "config.h"

#define BIND_MAX 128

struct bound {
    int fds[BIND_MAX];
    size_t n;
    char *urls; // "http://127.0.0.1:8053,…", with the ports that the system chose; to be freed
};

struct bind_wanted {
    const struct listens *listens;
    const char *scheme;
    struct log *log;
    enum log_level level; // at which a failure is logged
};

// Binds all of them. ERR_SYSTEM, logged as serve.cannot_bind with the address; ERR_MEMORY. What was bound is in `bound`
// either way, which starts as zeroes.
enum err bind_all(struct bound *bound, const struct bind_wanted *wanted);

// Closes the sockets.
void bind_drop(struct bound *bound);

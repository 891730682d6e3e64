// SPDX-License-Identifier: MIT
// exporter: GET /metrics over plain HTTP, on listeners of its own. On the loop's thread.
//
// What is told is the caller's business; libmicrohttpd is this floor's.
#pragma once

#include "config.h"
#include "err.h"
#include "log.h"

#include <uv.h>

#define EXPORTER_CONNECTIONS_MAX 32 // at once, for each listener

struct exporter;

struct exporter_options {
    const struct conf *conf; // lent, as is the log, until on_stopped
    uv_loop_t *loop;
    struct log *log;

    // As api_options: bound and listening; the exporter's once exporter_start returned ERR_OK.
    const int *listen_fds;
    size_t n_listen_fds;

    // The text that is told, from malloc, and its bytes; a null pointer: memory is out.
    char *(*write)(void *context, size_t *n);
    void *context;
};

// ERR_SYSTEM, ERR_MEMORY, logged as metrics.refused. After a failure the loop must run as after api_start.
enum err exporter_start(struct exporter **exporter, const struct exporter_options *options);

// Breaks off all connections. `on_stopped` is called on the loop, once all is freed; it may be a null pointer.
void exporter_stop(struct exporter *exporter, void (*on_stopped)(void *context), void *context);

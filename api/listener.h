// SPDX-License-Identifier: MIT
// listener: one listening socket, served by one libmicrohttpd daemon that is driven by the loop. On the loop's thread.
#pragma once

#include "config.h"
#include "counters.h"
#include "log.h"

#include <microhttpd.h>
#include <uv.h>

struct listener;

struct listener_options {
    const struct conf *conf;
    struct log *log;
    struct counters *counters;
    bool has_tls;
    unsigned n_connections; // most of them at once
    MHD_AccessHandlerCallback on_access;
    MHD_RequestCompletedCallback on_completed;
    void *access_context; // of both
    uv_loop_t *loop;
    int fd;                        // a copy of it is used
    void (*on_ran)(void *context); // after each run that the listener has called for itself
    void *context;
};

// ERR_SYSTEM (what libmicrohttpd said has been logged as api.microhttpd), ERR_MEMORY.
enum err listener_open(struct listener **listener, const struct listener_options *options);

// Serves what is ready now; to be called after a suspended connection was resumed.
void listener_run(struct listener *listener);

// Whether the last run has left nothing that another run could do at once.
bool listener_is_idle(const struct listener *listener);

// Accepts no more connections; new ones are refused by the kernel once the caller has closed its socket too.
void listener_quiesce(struct listener *listener);

// Breaks off all connections. None may be suspended. `on_closed` is called on the loop; the listener is freed by then.
void listener_close(struct listener *listener, void (*on_closed)(void *context), void *context);

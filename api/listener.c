// SPDX-License-Identifier: MIT
// The daemon has no thread and no loop of its own. It watches its sockets with an epoll descriptor, and an epoll
// descriptor is itself readable when one of its sockets is ready: so the loop watches that, and a timer stands for what
// libmicrohttpd wants to do without being called by a socket (idle connections to close, data that is decrypted but not
// yet served).
//
// libmicrohttpd takes the listening socket over, and closes it or not when it fails to start; a copy of the descriptor
// is given to it, so that the caller's own stays what it was.
#include "listener.h"

#include "caller.h"
#include "tls.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECTION_MEMORY_BYTES = 32 * 1024, LOG_TEXT_MAX = 256, SWEEP_MAX_MS = 1000 };

struct listener {
    struct log *log;
    struct MHD_Daemon *daemon;
    struct callers *callers;
    bool has_started;
    bool is_idle;
    unsigned n_connections; // after the last run
    int fd;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned n_handles; // still to be closed
    void (*on_ran)(void *context);
    void (*on_closed)(void *context);
    void *context;
};

static void on_log(void *context, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

// Most of what libmicrohttpd has to say is about clients that went away.
static void on_log(void *context, const char *format, va_list arguments)
{
    const struct listener *listener = context;
    char text[LOG_TEXT_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_write(listener->log, listener->has_started ? LOG_DEBUG : LOG_ERROR, "api.microhttpd", LOG_STR("text", text));
}

static struct MHD_Daemon *start_daemon(struct listener *listener, const struct listener_options *given)
{
    const struct conf *conf = given->conf;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, listener->fd, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)given->on_completed, given->access_context},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)given->n_connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)conf->api_idle_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem https[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)tls_on_handshake},
        {MHD_OPTION_END, 0, NULL},
    };
    bool has_tls = given->has_tls;
    return MHD_start_daemon(has_tls ? flags | MHD_USE_TLS : flags, 0, callers_on_accept, listener->callers,
                            given->on_access, given->access_context, MHD_OPTION_EXTERNAL_LOGGER, on_log, listener,
                            MHD_OPTION_NOTIFY_CONNECTION, callers_on_connection, listener->callers, MHD_OPTION_ARRAY,
                            options, MHD_OPTION_ARRAY, has_tls ? https : none, MHD_OPTION_END);
}

static void on_event(struct listener *listener)
{
    listener_run(listener);
    listener->on_ran(listener->context);
}

static void on_timer(uv_timer_t *timer)
{
    on_event(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    on_event(poll->data);
}

static unsigned count_connections(const struct listener *listener)
{
    return MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

// At its limit of connections the daemon stops to watch its socket, and takes that up again only at the beginning of a
// run: so after connections were closed there is another.
static void run_daemon(struct listener *listener)
{
    unsigned n_before;
    do {
        n_before = listener->n_connections;
        MHD_run(listener->daemon);
        listener->n_connections = count_connections(listener);
    } while (listener->n_connections < n_before);
}

void listener_run(struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    run_daemon(listener);
    bool has_timeout = MHD_get_timeout(listener->daemon, &timeout_ms) == MHD_YES;
    if (!has_timeout && listener->n_connections == 0)
        uv_timer_stop(&listener->timer);
    else
        uv_timer_start(&listener->timer, on_timer,
                       callers_sweep(listener->callers, has_timeout ? timeout_ms : SWEEP_MAX_MS), 0);
    listener->is_idle = !has_timeout || timeout_ms > 0;
}

bool listener_is_idle(const struct listener *listener)
{
    return listener->is_idle;
}

static enum err watch(struct listener *listener, uv_loop_t *loop)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || uv_poll_init(loop, &listener->poll, info->epoll_fd) != 0)
        return ERR_SYSTEM;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable); // cannot fail on a handle that was just made
    uv_timer_init(loop, &listener->timer);
    listener->poll.data = listener->timer.data = listener;
    return ERR_OK;
}

static enum err open_daemon(struct listener *listener, const struct listener_options *options)
{
    listener->fd = fcntl(options->fd, F_DUPFD_CLOEXEC, 0);
    if (listener->fd < 0)
        return ERR_SYSTEM;
    listener->daemon = start_daemon(listener, options);
    if (listener->daemon == NULL)
        return ERR_SYSTEM; // it may or may not have closed the copy
    enum err err = watch(listener, options->loop);
    if (err != ERR_OK)
        MHD_stop_daemon(listener->daemon);
    return err;
}

enum err listener_open(struct listener **listener, const struct listener_options *options)
{
    struct listener *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->log = options->log;
    self->on_ran = options->on_ran;
    self->context = options->context;
    enum err err = callers_open(&self->callers, options->conf, options->counters, options->log);
    if (err == ERR_OK)
        err = open_daemon(self, options);
    if (err != ERR_OK) {
        callers_close(self->callers);
        free(self);
        return err;
    }
    self->has_started = true;
    *listener = self;
    return ERR_OK;
}

void listener_quiesce(struct listener *listener)
{
    if (MHD_quiesce_daemon(listener->daemon) != MHD_INVALID_SOCKET)
        close(listener->fd);
}

static void on_close(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    if (--listener->n_handles > 0)
        return;
    void (*on_closed)(void *context) = listener->on_closed;
    void *context = listener->context;
    callers_close(listener->callers);
    free(listener);
    on_closed(context);
}

// The poll handle goes first: the daemon closes the descriptor that it watches.
void listener_close(struct listener *listener, void (*on_closed)(void *context), void *context)
{
    listener->on_closed = on_closed;
    listener->context = context;
    listener->n_handles = 2;
    uv_close((uv_handle_t *)&listener->poll, on_close);
    uv_close((uv_handle_t *)&listener->timer, on_close);
    MHD_stop_daemon(listener->daemon);
}

// SPDX-License-Identifier: MIT
// libuv's own listener would take connections for as long as there are more, and ask for the address of each with a
// call of its own. Here accept4 brings the address along, and after AT_ONCE connections the loop sees to the other
// sockets: a flood of connections cannot keep UDP waiting. The poll is level-triggered, so what is left is told again.
//
// Without descriptors or memory to accept with, the kernel keeps the connection in its queue and the socket readable.
// If the owner can close a connection, the next one is taken at once; if not, the acceptor looks away for PAUSE_MS.
#include "acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_ONCE = 16, BACKLOG = 1024, PAUSE_MS = 100 };

struct acceptor {
    uv_poll_t poll;
    uv_timer_t pause;
    struct acceptor_events events;
    int fd;
    unsigned n_open_handles;
};

static void on_readable(uv_poll_t *poll, int status, int events);

static void watch(struct acceptor *self)
{
    if (uv_poll_start(&self->poll, UV_READABLE, on_readable) != 0)
        abort(); // libuv refuses only a closing handle
}

static void on_pause_over(uv_timer_t *timer)
{
    watch(timer->data);
}

static void pause_for_a_while(struct acceptor *self)
{
    uv_poll_stop(&self->poll);
    if (uv_timer_start(&self->pause, on_pause_over, PAUSE_MS, 0) != 0)
        abort();
}

// Connections that ended in the queue, or that a firewall forbids, are gone: the next one may be good.
static bool is_gone(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; // an error of the socket shows in accept4
    (void)events;
    struct acceptor *self = poll->data;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        struct sockaddr_in6 peer;
        socklen_t n_peer = sizeof peer;
        int fd = accept4(self->fd, (struct sockaddr *)&peer, &n_peer, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            self->events.on_socket(self->events.owner, fd, &peer);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_gone(errno) && !self->events.give_one_up(self->events.owner)) {
            pause_for_a_while(self);
            return;
        }
    }
}

enum err acceptor_open(struct acceptor **acceptor, uv_loop_t *loop, int fd, const struct acceptor_events *events)
{
    if (listen(fd, BACKLOG) != 0)
        return ERR_SYSTEM;
    struct acceptor *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    if (uv_poll_init(loop, &self->poll, fd) != 0) {
        free(self);
        return ERR_SYSTEM;
    }
    if (uv_timer_init(loop, &self->pause) != 0)
        abort(); // libuv never refuses
    self->poll.data = self->pause.data = self;
    self->events = *events;
    self->fd = fd;
    self->n_open_handles = 2;
    watch(self);
    *acceptor = self;
    return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct acceptor *self = handle->data;
    if (--self->n_open_handles != 0)
        return;
    close(self->fd);
    free(self);
}

void acceptor_close(struct acceptor *acceptor)
{
    uv_close((uv_handle_t *)&acceptor->poll, on_closed);
    uv_close((uv_handle_t *)&acceptor->pause, on_closed);
}

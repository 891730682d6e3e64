// SPDX-License-Identifier: MIT
// libcurl says which sockets it waits for and how long; the loop says when either has come. Each socket gets a
// uv_poll_t, which libcurl keeps for us beside the socket. Handles of libuv close on a later turn, so the drive counts
// them and goes with the last.
#include "drive.h"

#include <stdlib.h>

struct drive {
    CURLM *multi;
    uv_loop_t *loop;
    uv_timer_t timer;
    unsigned n_handles;
    void (*on_driven)(void *context);
    void *context;
};

struct socket {
    uv_poll_t poll;
    curl_socket_t fd;
    struct drive *drive;
};

static void drop(struct drive *drive)
{
    if (--drive->n_handles == 0)
        free(drive);
}

static void run(struct drive *drive, curl_socket_t fd, int events)
{
    int n_running;
    curl_multi_socket_action(drive->multi, fd, events, &n_running);
    drive->on_driven(drive->context);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket *socket = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    run(socket->drive, socket->fd, flags);
}

static void on_time(uv_timer_t *timer)
{
    run(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct socket *socket = handle->data;
    drop(socket->drive);
    free(socket);
}

static struct socket *add_socket(struct drive *drive, curl_socket_t fd)
{
    struct socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    socket->fd = fd;
    socket->drive = drive;
    if (uv_poll_init_socket(drive->loop, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    drive->n_handles++;
    curl_multi_assign(drive->multi, fd, socket);
    return socket;
}

// -1 tells libcurl that the socket cannot be watched; its transfers fail.
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *kept)
{
    (void)easy;
    struct drive *drive = context;
    struct socket *socket = kept;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            curl_multi_assign(drive->multi, fd, NULL);
            uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
        }
        return 0;
    }
    if (socket == NULL)
        socket = add_socket(drive, fd);
    int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    return socket == NULL || uv_poll_start(&socket->poll, events, on_poll) != 0 ? -1 : 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct drive *drive = context;
    if (timeout_ms < 0)
        uv_timer_stop(&drive->timer);
    else
        uv_timer_start(&drive->timer, on_time, (uint64_t)timeout_ms, 0);
    return 0;
}

enum err drive_open(struct drive **drive, uv_loop_t *loop, CURLM *multi)
{
    struct drive *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->loop = loop;
    self->multi = multi;
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    self->n_handles = 1;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, self);
    *drive = self;
    return ERR_OK;
}

void drive_set_handler(struct drive *drive, void (*on_driven)(void *context), void *context)
{
    drive->on_driven = on_driven;
    drive->context = context;
}

static void on_timer_closed(uv_handle_t *handle)
{
    drop(handle->data);
}

void drive_close(struct drive *drive)
{
    uv_close((uv_handle_t *)&drive->timer, on_timer_closed);
}

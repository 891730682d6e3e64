// SPDX-License-Identifier: MIT
// acceptor: takes connections from a listening TCP socket, a few at a time. The loop's thread.
#pragma once

#include "err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <uv.h>

struct acceptor;

struct acceptor_events {
    void *owner;

    // A new connection: its descriptor, non-blocking and from now on the owner's, and who is at the other end. The
    // address has room for either family.
    void (*on_socket)(void *owner, int fd, const struct sockaddr_in6 *peer);

    // The process has no descriptors left: closes one, or returns false.
    bool (*give_one_up)(void *owner);
};

// The socket belongs to the acceptor when this succeeds. ERR_MEMORY, ERR_SYSTEM.
enum err acceptor_open(struct acceptor **acceptor, uv_loop_t *loop, int fd, const struct acceptor_events *events);

// Nothing is called any more; the memory goes while the loop runs on.
void acceptor_close(struct acceptor *acceptor);

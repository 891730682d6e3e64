// SPDX-License-Identifier: MIT
// socket: bound sockets, and addresses as text. Main thread, at start.
#pragma once

#include "cidr.h"
#include "err.h"

#include <stddef.h>

#define SOCKET_TEXT_MAX 64 // "[2001:db8::1]:65535" and its final zero

enum socket_kind { SOCKET_UDP, SOCKET_TCP };

// Whether several sockets may share the address, for one worker each (SO_REUSEPORT).
enum socket_sharing { SOCKET_ALONE, SOCKET_SHARED };

// Makes a non-blocking socket and binds it; a TCP socket listens already. IPv6 sockets serve IPv6 alone. ERR_SYSTEM:
// errno says why; nothing is logged, since some failures are expected.
enum err socket_bind(int *fd, enum socket_kind kind, enum socket_sharing sharing, struct ip ip, uint16_t port);

// The port a bound socket has; 0 when it cannot be asked.
uint16_t socket_port(int fd);

// "127.0.0.1:53" or "[::1]:53"; returns `text`.
const char *socket_write(struct ip ip, uint16_t port, char text[static SOCKET_TEXT_MAX]);

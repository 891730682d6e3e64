// SPDX-License-Identifier: MIT
// tcp: DNS over connections (RFC 7766, RFC 9210). The worker's thread, on its loop.
#pragma once

#include "answer.h"

#include <uv.h>

struct tcp;
struct worker;

// All TCP of one worker. ERR_MEMORY, ERR_SYSTEM.
enum err tcp_new(struct tcp **tcp, struct worker *worker);

// Serves a listening socket, which from now on belongs to it. ERR_MEMORY, ERR_SYSTEM: the descriptor stays the
// caller's.
enum err tcp_listen(struct tcp *tcp, int fd);

// Closes listeners and connections; their memory goes while the loop runs on.
void tcp_stop(struct tcp *tcp);

// After the loop has ended.
void tcp_free(struct tcp *tcp);

// SPDX-License-Identifier: MIT
// udp: datagrams in batches. The worker's thread, on its loop.
//
// One `struct udp_batch` serves all UDP sockets of a worker, since only one is read at a time.
#pragma once

#include "answer.h"

#include <uv.h>

struct udp_batch;
struct udp_socket;

struct worker;

enum err udp_batch_new(struct udp_batch **batch); // ERR_MEMORY
void udp_batch_free(struct udp_batch *batch);

// Serves a bound socket, which from now on belongs to it. ERR_MEMORY, ERR_SYSTEM: the descriptor stays the caller's.
enum err udp_start(struct udp_socket **socket, int fd, struct udp_batch *batch, struct worker *worker);

// Closes the socket; its memory goes when the loop has run once more.
void udp_stop(struct udp_socket *socket);

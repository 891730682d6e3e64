// SPDX-License-Identifier: MIT
// agent: a process of its own that runs the ACME client, since the server itself gives up to run programs.
//
// It is forked before there are threads, and before the sandbox closes; it has a sandbox of its own, and ends when the
// server does, however that ends. It holds the configuration of the start and carries out one thing only: an order for
// the certificate that this asks for. The two talk in packets on a socket:
//
//     server  order KEY        the account's key in PEM for an agent that has none, or nothing
//             keep BUNDLE      one that another replica has got, for the cache directory
//     agent   say TEXT         a line of what the client says
//             account PEM      the account's key
//             done BUNDLE      which is in the cache directory now (bundle.h)
//             failed REASON
#pragma once

#include "config.h"

#include <sys/types.h>

#define AGENT_MESSAGE_BYTES (64 * 1024)

// The server's side.
struct agent {
    int order_fd; // -1: there is no agent
    int hook_fd;  // callback.h
};

// Forks; before there are threads or loops of libuv. `confine` is called in the agent, which ends when that fails. The
// cache directory is made 0700. ERR_FORBIDDEN: others can get at it. ERR_NOT_FOUND: the client is not installed, or a
// file that is named is not there. ERR_SYSTEM. Logged as acme.refused.
enum err agent_start(struct agent *agent, const struct conf *conf, struct log *log,
                     enum err (*confine)(const struct conf *conf));

// Closes the sockets: the agent breaks off what it does, and ends.
void agent_stop(struct agent *agent);

// Sends or takes one packet without waiting. agent_take: 0 bytes, there is none now; -1: the agent is gone.
void agent_order(const struct agent *agent, struct bytes account_key);
void agent_keep(const struct agent *agent, struct bytes bundle);
ssize_t agent_take(const struct agent *agent, uint8_t message[AGENT_MESSAGE_BYTES]);

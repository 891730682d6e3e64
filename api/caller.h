// SPDX-License-Identifier: MIT
// caller: the open connections of one listener: how many each client has, and which of them take too long.
//
// On the loop's thread.
#pragma once

#include "config.h"
#include "counters.h"
#include "log.h"

#include <microhttpd.h>

struct callers;

// ERR_MEMORY. What is handed in is lent until callers_close.
enum err callers_open(struct callers **callers, const struct conf *conf, struct counters *counters, struct log *log);

// After the last connection has ended. Takes a null pointer too.
void callers_close(struct callers *callers);

// For MHD_start_daemon and MHD_OPTION_NOTIFY_CONNECTION; the argument of both is the `struct callers`.
enum MHD_Result callers_on_accept(void *callers, const struct sockaddr *address, socklen_t n_address);
void callers_on_connection(void *callers, struct MHD_Connection *connection, void **slot,
                           enum MHD_ConnectionNotificationCode code);

// The connection's request is there as a whole, and it is our turn.
void callers_rest(struct MHD_Connection *connection);

// The connection's answer is out, and it is the client's turn again: he has request_s to send the next one.
void callers_begin(struct MHD_Connection *connection);

// Breaks off those whose time is over. Returns after how many milliseconds to call again, at most `max_ms`.
uint64_t callers_sweep(struct callers *callers, uint64_t max_ms);

// SPDX-License-Identifier: MIT
// dialog: DNS over real sockets on loopback, blocking, with a limit of some seconds. What goes wrong fails the test.
#pragma once

#include "bytes.h"
#include "question.h"

#define DIALOG_MESSAGE_MAX 65535

// A connected socket to the first or another of the addresses in "127.0.0.1:5300,[::1]:5300". To be closed.
int dialog_udp(const char *addresses, unsigned which);
int dialog_tcp(const char *addresses, unsigned which);

// Whether nobody serves the first address over this transport.
bool dialog_is_refused(const char *addresses, bool is_tcp);

// One datagram; 0 when none comes in time.
void dialog_send(int fd, struct bytes message);
size_t dialog_receive(int fd, uint8_t message[static DIALOG_MESSAGE_MAX]);

// One message with its two bytes of length; 0 when the other side has closed.
void dialog_send_framed(int fd, struct bytes message);
size_t dialog_receive_framed(int fd, uint8_t message[static DIALOG_MESSAGE_MAX]);

// All these bytes, as they are.
void dialog_send_raw(int fd, const void *data, size_t n);

// What a question for TXT gets: the answer's lines, or the rcode's name when there are none. To be freed.
char *dialog_ask(int fd, bool is_tcp, const char *name);

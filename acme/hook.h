// SPDX-License-Identifier: MIT
// hook: what uacme runs for every challenge: this same program, which asks the server to publish the value.
//
// They talk over a socket that the server made, and that uacme passes on as descriptor HOOK_FD: nobody else can connect
// to it, and nothing of it is in the file system. Each message is one packet of lines:
//
//     hook    begin IDENT TOKEN VALUE
//     server  ok TOKEN       once DNS answers with the value, on all replicas
//             no TOKEN
#pragma once

#include "bytes.h"
#include "err.h"

#define HOOK_FD            3
#define HOOK_MESSAGE_BYTES 2048

// `acmezone begin|done|failed TYPE IDENT TOKEN VALUE`. Returns the exit code: 0, or 1 when the challenge is declined.
int hook_main(int argc, char **argv);

// Views into the message.
struct hook_request {
    struct bytes ident;
    struct bytes token;
    struct bytes value;
};

// ERR_SYNTAX.
enum err hook_parse(struct hook_request *request, struct bytes message);

// Answers on the server's end of the socket; what cannot be sent is waited for in vain.
void hook_answer(int fd, struct bytes token, bool is_published);

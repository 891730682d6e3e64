// SPDX-License-Identifier: MIT
// callback: what uacme runs, its hook, for every challenge: this same program, which asks the server to publish the
// value.
//
// They talk over a socket that the server made, and that uacme passes on as descriptor CALLBACK_FD: nobody else can
// connect to it, and nothing of it is in the file system. Each message is one packet of lines:
//
//     hook    begin IDENT TOKEN VALUE
//     server  ok TOKEN       once DNS answers with the value, on all replicas
//             no TOKEN
#pragma once

#include "bytes.h"
#include "err.h"

#define CALLBACK_FD            3
#define CALLBACK_MESSAGE_BYTES 2048

// `acmezone begin|done|failed TYPE IDENT TOKEN VALUE`. Returns the exit code: 0, or 1 when the challenge is declined.
int callback_main(int argc, char **argv);

// Views into the message.
struct callback_request {
    struct bytes ident;
    struct bytes token;
    struct bytes value;
};

// ERR_SYNTAX.
enum err callback_parse(struct callback_request *request, struct bytes message);

// Answers on the server's end of the socket; what cannot be sent is waited for in vain.
void callback_answer(int fd, struct bytes token, bool is_published);

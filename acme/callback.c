// SPDX-License-Identifier: MIT
// uacme runs one hook at a time, but one that was killed may have left its answer behind: so each answer repeats the
// token, and others are passed over.
//
// Values stay until the whole order has ended, when the server clears them by itself: "done" and "failed" have nothing
// to do.
#include "callback.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

enum { CALLBACK_DECLINED = 1, CALLBACK_WAIT_MS = 120000, N_ARGUMENTS = 5 };

static struct bytes take_line(struct bytes *rest)
{
    const uint8_t *end = rest->n == 0 ? NULL : memchr(rest->at, '\n', rest->n);
    size_t n = end == NULL ? rest->n : (size_t)(end - rest->at);
    struct bytes line = {rest->at, n};
    n += end != NULL;
    *rest = (struct bytes){rest->at + n, rest->n - n};
    return line;
}

enum err callback_parse(struct callback_request *request, struct bytes message)
{
    struct bytes rest = message;
    if (!bytes_equal(take_line(&rest), bytes_of_text("begin")))
        return ERR_SYNTAX;
    struct callback_request self = {.ident = take_line(&rest)};
    self.token = take_line(&rest);
    self.value = take_line(&rest);
    if (self.ident.n == 0 || self.token.n == 0 || self.value.n == 0 || rest.n != 0)
        return ERR_SYNTAX;
    *request = self;
    return ERR_OK;
}

void callback_answer(int fd, struct bytes token, bool is_published)
{
    char text[CALLBACK_MESSAGE_BYTES];
    int n = snprintf(text, sizeof text, "%s\n%.*s", is_published ? "ok" : "no", (int)token.n, (const char *)token.at);
    if (n > 0 && (size_t)n < sizeof text)
        (void)!send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// True when the server has said that the value is published.
static bool wait_for_answer(struct bytes token)
{
    char text[CALLBACK_MESSAGE_BYTES];
    struct pollfd end = {.fd = CALLBACK_FD, .events = POLLIN};
    for (;;) {
        int status = poll(&end, 1, CALLBACK_WAIT_MS);
        if (status < 0 && errno == EINTR)
            continue;
        ssize_t n = status > 0 ? recv(CALLBACK_FD, text, sizeof text, 0) : 0;
        if (n <= 0)
            return false;
        struct bytes rest = {(const uint8_t *)text, (size_t)n};
        struct bytes word = take_line(&rest);
        if (bytes_equal(rest, token))
            return bytes_equal(word, bytes_of_text("ok"));
    }
}

int callback_main(int argc, char **argv)
{
    char text[CALLBACK_MESSAGE_BYTES];
    if (argc != N_ARGUMENTS) {
        fprintf(stderr, "acmezone %s: only uacme runs this\n", argv[0]);
        return CALLBACK_DECLINED;
    }
    if (strcmp(argv[1], "dns-01") != 0)
        return CALLBACK_DECLINED;
    if (strcmp(argv[0], "begin") != 0)
        return 0;
    int n = snprintf(text, sizeof text, "begin\n%s\n%s\n%s", argv[2], argv[3], argv[4]);
    if (n < 0 || (size_t)n >= sizeof text || send(CALLBACK_FD, text, (size_t)n, MSG_NOSIGNAL) != n) {
        fprintf(stderr, "acmezone %s: the server is not there\n", argv[0]);
        return CALLBACK_DECLINED;
    }
    return wait_for_answer(bytes_of_text(argv[3])) ? 0 : CALLBACK_DECLINED;
}

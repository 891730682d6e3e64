// SPDX-License-Identifier: MIT
// The least a UDP server can do: recvmmsg, turn the question into what looks like an answer of `bytes` bytes without
// reading it, sendmmsg. What a DNS server costs beyond this is its own.
#include "args.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

enum { BATCH = 32, MESSAGE_BYTES = 4096, BUFFER_BYTES = 4 << 20, QR_BIT = 0x80, FLAGS_AT = 2, ANSWERS_AT = 7 };

static double port, bytes = 190;
static const struct arg args[] = {{"port", &port, NULL}, {"bytes", &bytes, NULL}};

static uint8_t message[BATCH][MESSAGE_BYTES];
static struct sockaddr_in address[BATCH];
static struct iovec in_at[BATCH], out_at[BATCH];
static struct mmsghdr in[BATCH], out[BATCH];

static void prepare(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        in_at[i] = (struct iovec){message[i], MESSAGE_BYTES};
        out_at[i] = (struct iovec){message[i], (size_t)bytes};
        in[i].msg_hdr = (struct msghdr){&address[i], sizeof address[i], &in_at[i], 1, NULL, 0, 0};
        out[i].msg_hdr = (struct msghdr){&address[i], sizeof address[i], &out_at[i], 1, NULL, 0, 0};
    }
}

static void serve(int fd)
{
    for (;;) {
        int n = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) {
            message[i][FLAGS_AT] |= QR_BIT;
            message[i][ANSWERS_AT] = 1;
        }
        for (int at = 0, sent; at<n; at += sent> 0 ? sent : 1)
            sent = sendmmsg(fd, out + at, (unsigned)(n - at), 0);
    }
}

int main(int argc, char **argv)
{
    args_read(argc, argv, args, sizeof args / sizeof args[0]);
    struct sockaddr_in self = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int size = BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&self, sizeof self) != 0) {
        perror("socket");
        return 1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    prepare();
    serve(fd);
}

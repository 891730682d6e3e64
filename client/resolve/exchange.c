// SPDX-License-Identifier: MIT
// exchange: sockets that never block for longer than was asked for.
//
// Every socket is non-blocking and connected, so that the kernel drops what comes from elsewhere and tells of closed
// ports; `await` is the only place where time passes. A datagram that is not the answer to our question is not the end
// of the exchange: somebody may be guessing.
#include "exchange.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { HEADER_BYTES = 12, QUESTION_TAIL_BYTES = 4, LENGTH_BYTES = 2 };

static enum ask_outcome outcome_of_errno(void)
{
    switch (errno) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
        return ASK_CLOSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES: // a firewall of this machine says so
    case EPERM:
        return ASK_NO_ROUTE;
    case ETIMEDOUT:
        return ASK_SILENT;
    default:
        return ASK_FAILED;
    }
}

static bool is_pending(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS || errno == EINTR;
}

// Waits until the socket is ready; false when the time is over.
static bool await(int fd, short events, int64_t until_ms)
{
    for (;;) {
        int64_t left_ms = until_ms - ask_now_ms();
        if (left_ms <= 0)
            return false;
        struct pollfd pollfd = {.fd = fd, .events = events};
        if (poll(&pollfd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) > 0)
            return true;
    }
}

static enum ask_outcome open_connected(int *fd, int type, const struct exchange *exchange)
{
    struct sockaddr_storage address;
    socklen_t n = ip_to_sockaddr(exchange->upstream->ip, exchange->upstream->port, &address);
    int made = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return outcome_of_errno();
    if (connect(made, (struct sockaddr *)&address, n) != 0 && !is_pending()) {
        enum ask_outcome outcome = outcome_of_errno();
        close(made);
        return outcome;
    }
    *fd = made;
    return ASK_ANSWERED;
}

// The end of the name that begins behind the header, or 0 when it is none or compressed.
static size_t end_of_question_name(struct bytes message)
{
    size_t at = HEADER_BYTES;
    while (at < message.n && message.at[at] != 0) {
        if (message.at[at] > 63)
            return 0;
        at += message.at[at] + 1u;
    }
    return at < message.n ? at + 1 : 0;
}

bool exchange_is_answered(const struct exchange *exchange)
{
    struct bytes query = exchange->query;
    const uint8_t *answer = exchange->answer;
    if (exchange->n_answer < HEADER_BYTES || memcmp(answer, query.at, 2) != 0 || (answer[2] & 0x80) == 0)
        return false;
    if (answer[4] == 0 && answer[5] == 0) // an error may come without the question
        return (answer[3] & 0x0f) != 0;
    size_t end = end_of_question_name(query);
    if (end == 0 || exchange->n_answer < end + QUESTION_TAIL_BYTES)
        return false;
    for (size_t i = HEADER_BYTES; i < end; i++) {
        uint8_t a = answer[i] >= 'A' && answer[i] <= 'Z' ? answer[i] | 0x20 : answer[i];
        uint8_t b = query.at[i] >= 'A' && query.at[i] <= 'Z' ? query.at[i] | 0x20 : query.at[i];
        if (a != b)
            return false;
    }
    return memcmp(answer + end, query.at + end, QUESTION_TAIL_BYTES) == 0;
}

static enum ask_outcome receive_datagram(int fd, struct exchange *exchange)
{
    bool has_heard = false;
    while (await(fd, POLLIN, exchange->until_ms)) {
        ssize_t n = recv(fd, exchange->answer, EXCHANGE_MAX_BYTES, 0);
        if (n < 0 && is_pending())
            continue;
        if (n < 0)
            return outcome_of_errno();
        exchange->n_answer = (size_t)n;
        if (exchange_is_answered(exchange))
            return ASK_ANSWERED;
        has_heard = true;
    }
    return has_heard ? ASK_GARBAGE : ASK_SILENT;
}

enum ask_outcome exchange_udp(struct exchange *exchange)
{
    int fd = -1;
    enum ask_outcome outcome = open_connected(&fd, SOCK_DGRAM, exchange);
    if (outcome != ASK_ANSWERED)
        return outcome;
    if (send(fd, exchange->query.at, exchange->query.n, MSG_NOSIGNAL) < 0)
        outcome = outcome_of_errno();
    else
        outcome = receive_datagram(fd, exchange);
    close(fd);
    return outcome;
}

static enum ask_outcome send_all(int fd, struct bytes data, int64_t until_ms)
{
    for (size_t at = 0; at < data.n;) {
        if (!await(fd, POLLOUT, until_ms))
            return ASK_SILENT;
        ssize_t n = send(fd, data.at + at, data.n - at, MSG_NOSIGNAL);
        if (n < 0 && !is_pending())
            return outcome_of_errno();
        at += n > 0 ? (size_t)n : 0;
    }
    return ASK_ANSWERED;
}

static enum ask_outcome receive_all(int fd, uint8_t *data, size_t n_wanted, int64_t until_ms)
{
    for (size_t at = 0; at < n_wanted;) {
        if (!await(fd, POLLIN, until_ms))
            return ASK_SILENT;
        ssize_t n = recv(fd, data + at, n_wanted - at, 0);
        if (n == 0)
            return ASK_CLOSED;
        if (n < 0 && !is_pending())
            return outcome_of_errno();
        at += n > 0 ? (size_t)n : 0;
    }
    return ASK_ANSWERED;
}

// RFC 7766: two bytes of length in front, in one write with the message.
static enum ask_outcome converse(int fd, struct exchange *exchange)
{
    uint8_t framed[LENGTH_BYTES + 512];
    struct writer writer = writer_of(framed, sizeof framed);
    put_u16(&writer, (unsigned)exchange->query.n);
    put_bytes(&writer, exchange->query.at, exchange->query.n);
    if (writer.is_bad)
        return ASK_FAILED;
    enum ask_outcome outcome = send_all(fd, (struct bytes){framed, writer_used(&writer)}, exchange->until_ms);
    uint8_t length[LENGTH_BYTES];
    if (outcome == ASK_ANSWERED)
        outcome = receive_all(fd, length, sizeof length, exchange->until_ms);
    if (outcome != ASK_ANSWERED)
        return outcome;
    exchange->n_answer = (size_t)length[0] << 8 | length[1];
    outcome = receive_all(fd, exchange->answer, exchange->n_answer, exchange->until_ms);
    return outcome != ASK_ANSWERED || exchange_is_answered(exchange) ? outcome : ASK_GARBAGE;
}

enum ask_outcome exchange_tcp(struct exchange *exchange)
{
    int fd = -1;
    enum ask_outcome outcome = open_connected(&fd, SOCK_STREAM, exchange);
    if (outcome != ASK_ANSWERED)
        return outcome;
    outcome = converse(fd, exchange);
    close(fd);
    return outcome;
}

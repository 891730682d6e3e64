// SPDX-License-Identifier: MIT
// Asks a DNS server over TCP (RFC 7766). Each of `connections` connections sends `pipelined` questions in one write and
// waits for all of their answers before it sends the next ones; after `per_connection` questions (0: never) it is
// closed and made anew.
//
// Closed connections linger in TIME_WAIT and keep their port, of which an address has some 28,000; so the client's
// address goes round in 127.0.0.0/8.
#include "args.h"
#include "meter.h"
#include "question.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 256,
    PIPELINED_MAX = 64,
    IN_BYTES = 65536,
    LENGTH_BYTES = 2,
    FRAME_BYTES = 2 + QUESTION_BYTES
};
enum { CLIENT_ADDRESSES = 200, QUESTIONS = 200000, WRITES = 64, PATIENCE_MS = 100 };

static double port, accounts = 100000, warm_up = 0.2, seconds = 2, connections = 16, pipelined = 8, window = 24,
                    per_connection;
static const char *pids = "";

static const struct arg args[] = {
    {"port", &port, NULL},
    {"accounts", &accounts, NULL},
    {"warm_up", &warm_up, NULL},
    {"seconds", &seconds, NULL},
    {"connections", &connections, NULL},
    {"pipelined", &pipelined, NULL},
    {"window", &window, NULL},
    {"per_connection", &per_connection, NULL},
    {"pids", NULL, &pids},
};

struct connection {
    int fd;
    unsigned n_waited_for;
    unsigned n_asked; // since it was made
    uint64_t made_ns;
    uint64_t sent_ns[WRITES]; // by an id's write, modulo
    size_t n_in;
    uint8_t in[IN_BYTES];
};

static struct connection table[CONNECTIONS_MAX];
static struct questions questions;
static struct meter meter;
static int poller;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void set(int fd, int level, int option)
{
    (void)setsockopt(fd, level, option, &(int){1}, sizeof(int));
}

static void open_connection(struct connection *c)
{
    static unsigned turn;
    struct sockaddr_in client = {.sin_family = AF_INET,
                                 .sin_addr = {htonl(INADDR_LOOPBACK + 1 + turn++ % CLIENT_ADDRESSES)}};
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    c->n_waited_for = c->n_asked = 0;
    c->n_in = 0;
    c->made_ns = meter_now_ns();
    set(c->fd, IPPROTO_TCP, TCP_NODELAY);
    set(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    if (bind(c->fd, (const struct sockaddr *)&client, sizeof client) != 0 ||
        (connect(c->fd, (const struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("connect");
}

// Where the time is kept at which this question was sent.
static uint64_t *sent_ns(struct connection *c, uint16_t id)
{
    return &c->sent_ns[id / (unsigned)pipelined % WRITES];
}

// Sends the next questions, unless the connection is not made yet: then an event will say so.
static bool ask(struct connection *c)
{
    uint8_t out[PIPELINED_MAX][FRAME_BYTES];
    unsigned n = (unsigned)pipelined;
    for (unsigned i = 0; i < n; i++) {
        out[i][0] = 0;
        out[i][1] = QUESTION_BYTES;
        questions_take(&questions, (uint16_t)(c->n_asked + i), out[i] + LENGTH_BYTES);
    }
    ssize_t n_bytes = (ssize_t)n * FRAME_BYTES;
    *sent_ns(c, (uint16_t)c->n_asked) = c->n_asked == 0 ? c->made_ns : meter_now_ns();
    ssize_t n_sent = send(c->fd, out, (size_t)n_bytes, MSG_NOSIGNAL);
    if (n_sent < 0 && errno == EAGAIN)
        return false;
    if (n_sent != n_bytes)
        die("send");
    c->n_waited_for += n;
    c->n_asked += n;
    meter.n_sent += n;
    return true;
}

// Counts the whole answers in the buffer and keeps the rest.
static void take_answers(struct connection *c)
{
    uint64_t now_ns = meter_now_ns();
    size_t at = 0;
    while (c->n_in - at >= LENGTH_BYTES) {
        const uint8_t *frame = c->in + at;
        size_t n = (size_t)(frame[0] << 8 | frame[1]);
        if (c->n_in - at < LENGTH_BYTES + n)
            break;
        const uint8_t *message = frame + LENGTH_BYTES;
        meter_answer(&meter, now_ns - *sent_ns(c, question_id(message)), n, question_rcode(message));
        c->n_waited_for--;
        at += LENGTH_BYTES + n;
    }
    c->n_in -= at;
    memmove(c->in, c->in + at, c->n_in);
}

// False when the server has closed the connection: some limit what one may ask.
static bool receive(struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->n_in, sizeof c->in - c->n_in, 0);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0)
        return false;
    c->n_in += (size_t)n;
    take_answers(c);
    return true;
}

static void on_event(struct connection *c)
{
    unsigned most = per_connection > 0 ? (unsigned)per_connection : UINT_MAX;
    bool is_open = c->n_asked == 0 || receive(c);
    if (!is_open || (c->n_asked >= most && c->n_waited_for == 0)) {
        close(c->fd);
        open_connection(c);
    }
    while (c->n_asked < most && c->n_waited_for + (unsigned)pipelined <= (unsigned)window && ask(c))
        ;
}

int main(int argc, char **argv)
{
    args_read(argc, argv, args, sizeof args / sizeof args[0]);
    unsigned n = connections < CONNECTIONS_MAX ? (unsigned)connections : CONNECTIONS_MAX;
    pipelined = pipelined < PIPELINED_MAX ? pipelined : PIPELINED_MAX;
    questions_make(&questions, QUESTIONS, (uint64_t)accounts);
    poller = epoll_create1(0);
    for (unsigned i = 0; i < n; i++)
        open_connection(&table[i]); // its first event comes when it can be written to
    meter_open(&meter, &(struct meter_options){warm_up, seconds, pids});
    while (meter_goes_on(&meter, meter_now_ns())) {
        struct epoll_event events[CONNECTIONS_MAX];
        int n_events = epoll_wait(poller, events, CONNECTIONS_MAX, PATIENCE_MS);
        for (int i = 0; i < n_events; i++)
            on_event(events[i].data.ptr);
    }
    meter_print(&meter);
    return 0;
}

// SPDX-License-Identifier: MIT
// Calls the HTTP API over `connections` keep-alive connections, each with one request under way at a time.
//
//     call=update     each connection updates an account of its own again and again; the warm-up lasts at least until
//                     each has had its first answer, for which the server checked the password
//     call=first      each request updates an account that was not seen before: counted from `first` on
//     call=wrong      as update, with a wrong password
//     call=register   each request registers an account
//
// Requests are text with holes, so a request costs the client one snprintf, one send and one recv.
#include "args.h"
#include "meter.h"
#include "population.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, TEXT_BYTES = 2048, PATIENCE_MS = 100, STRIDE = 1000003 };

static double port, accounts = 100000, warm_up = 0.2, seconds = 2, connections = 64, first;
static const char *pids = "", *call = "update";

static const struct arg args[] = {
    {"port", &port, NULL},
    {"accounts", &accounts, NULL},
    {"warm_up", &warm_up, NULL},
    {"seconds", &seconds, NULL},
    {"connections", &connections, NULL},
    {"first", &first, NULL},
    {"pids", NULL, &pids},
    {"call", NULL, &call},
};

struct connection {
    int fd;
    uint64_t account; // its number
    uint64_t n_calls;
    uint64_t sent_ns;
    size_t n_in;
    char in[TEXT_BYTES];
};

static struct connection table[CONNECTIONS_MAX];
static struct meter meter;
static int poller;
static unsigned n_unanswered; // connections that have not had their first answer
static uint64_t n_used;       // accounts used by call=first

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void open_connection(struct connection *c)
{
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(c->fd, (const struct sockaddr *)&server, sizeof server) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("connect");
    c->n_in = 0;
}

// -- The calls
// ---------------------------------------------------------------------------------------------------------

// Spreads accounts over the store: neighbours would share its pages, and a commit would write fewer of them.
static uint64_t account_number(uint64_t i)
{
    return i * STRIDE % (uint64_t)accounts;
}

static int write_update(const struct connection *c, const char *key, char out[TEXT_BYTES])
{
    char username[UUID_TEXT_SIZE], subdomain[UUID_TEXT_SIZE], value[POPULATION_VALUE_CHARS], body[TEXT_BYTES / 2];
    struct uuid user = population_username(c->account, (uint64_t)accounts);
    struct uuid sub = population_subdomain(c->account, (uint64_t)accounts);
    uuid_write(&user, username);
    uuid_write(&sub, subdomain);
    population_value(population_mix(c->account) + c->n_calls, 0, value);
    int n_body = snprintf(body, sizeof body, "{\"subdomain\": \"%s\", \"txt\": \"%.*s\"}", subdomain,
                          POPULATION_VALUE_CHARS, value);
    return snprintf(out, TEXT_BYTES,
                    "POST /update HTTP/1.1\r\nHost: bench\r\nX-Api-User: %s\r\nX-Api-Key: %s\r\n"
                    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                    username, key, n_body, body);
}

static int write_known(struct connection *c, char out[TEXT_BYTES])
{
    return write_update(c, POPULATION_KEY, out);
}

static int write_first(struct connection *c, char out[TEXT_BYTES])
{
    c->account = account_number((uint64_t)first + n_used++);
    return write_update(c, POPULATION_KEY, out);
}

static int write_wrong(struct connection *c, char out[TEXT_BYTES])
{
    return write_update(c, "not-the-key-of-any-account-of-this-bench", out);
}

static int write_register(struct connection *c, char out[TEXT_BYTES])
{
    (void)c;
    return snprintf(out, TEXT_BYTES, "POST /register HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n");
}

static const struct {
    const char *name;
    int (*write)(struct connection *c, char out[TEXT_BYTES]);
} calls[] = {{"update", write_known}, {"first", write_first}, {"wrong", write_wrong}, {"register", write_register}};

static int (*write_call)(struct connection *c, char out[TEXT_BYTES]);

static void choose_call(void)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(call, calls[i].name) == 0)
            write_call = calls[i].write;
    if (write_call == NULL) {
        fprintf(stderr, "httpload: no call '%s'\n", call);
        exit(2);
    }
}

// -- Requests out, answers in
// ------------------------------------------------------------------------------------------

static void send_call(struct connection *c)
{
    char out[TEXT_BYTES];
    int n = write_call(c, out);
    c->n_calls++;
    c->sent_ns = meter_now_ns();
    meter.n_sent++;
    if (send(c->fd, out, (size_t)n, MSG_NOSIGNAL) != n)
        die("send");
}

// The status of the answer when all of it is there, else 0.
static unsigned take_status(struct connection *c)
{
    c->in[c->n_in] = '\0';
    const char *body = strstr(c->in, "\r\n\r\n");
    const char *length = body == NULL ? NULL : strcasestr(c->in, "\r\nContent-Length:");
    if (length == NULL || length > body)
        return 0;
    size_t n_body = strtoul(length + sizeof "\r\nContent-Length:" - 1, NULL, 10);
    if (c->n_in < (size_t)(body + 4 - c->in) + n_body)
        return 0;
    c->n_in = 0;
    return (unsigned)strtoul(c->in + sizeof "HTTP/1.1" - 1, NULL, 10);
}

static void on_readable(struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->n_in, sizeof c->in - 1 - c->n_in, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) { // closed by the server after an answer, or refused
        close(c->fd);
        open_connection(c);
        send_call(c);
        return;
    }
    c->n_in += (size_t)n;
    size_t n_bytes = c->n_in;
    unsigned status = take_status(c);
    if (status == 0)
        return;
    n_unanswered -= c->n_calls == 1;
    meter_answer(&meter, meter_now_ns() - c->sent_ns, n_bytes, status);
    send_call(c);
}

int main(int argc, char **argv)
{
    args_read(argc, argv, args, sizeof args / sizeof args[0]);
    choose_call();
    unsigned n = connections < CONNECTIONS_MAX ? (unsigned)connections : CONNECTIONS_MAX;
    n_unanswered = n;
    poller = epoll_create1(0);
    meter_open(&meter, &(struct meter_options){warm_up, seconds, pids});
    for (unsigned i = 0; i < n; i++) {
        table[i].account = account_number((uint64_t)first + i);
        open_connection(&table[i]);
        send_call(&table[i]);
    }
    while (meter_goes_on(&meter, meter_now_ns())) {
        struct epoll_event events[CONNECTIONS_MAX];
        int n_events = epoll_wait(poller, events, CONNECTIONS_MAX, PATIENCE_MS);
        for (int i = 0; i < n_events; i++)
            on_readable(events[i].data.ptr);
        if (n_unanswered > 0 && !meter.is_measuring)
            meter_put_off(&meter);
    }
    meter_print(&meter);
    return 0;
}

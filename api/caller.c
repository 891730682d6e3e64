// SPDX-License-Identifier: MIT
// libmicrohttpd closes connections that are silent, but a client who sends a byte now and then is never silent. So each
// connection whose client is to send something stands in a list, with the time at which his request must be there as a
// whole. That time is the same span for all, so whoever is put at the end of the list is the last to be due, and only
// the front of it is ever looked at. A connection whose request is being worked on, and which may be suspended, is not
// in the list. libmicrohttpd has no call to close a connection; shutting its socket down makes it do so.
//
// Connections are counted in a fixed table whose place is chosen by a keyed hash of the client, so that nobody can
// choose to share a place; two clients who do so by chance share one count, which matters only when both have many.
//
// A trusted proxy brings the connections of many clients and is not counted: who they are is known only later, by a
// header of each request. Without use_header it is a client like any other.
#include "caller.h"

#include "limit.h"
#include "peer.h"
#include "secret.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { N_COUNTS = 65536, MS_PER_S = 1000, NS_PER_MS = 1000000 };

struct caller {
    struct caller *next, *previous; // null pointers when not in the list
    struct callers *callers;
    struct MHD_Connection *connection;
    uint64_t due_ms;
    size_t place; // in counts; N_COUNTS: not counted
};

struct callers {
    struct caller list; // its ends: next is the first to be due
    const struct conf *conf;
    struct counters *counters;
    struct log *log;
    struct secret_mac_key key;
    uint32_t counts[N_COUNTS];
};

enum err callers_open(struct callers **callers, const struct conf *conf, struct counters *counters, struct log *log)
{
    struct callers *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->list.next = self->list.previous = &self->list;
    self->conf = conf;
    self->counters = counters;
    self->log = log;
    secret_random(&self->key, sizeof self->key);
    *callers = self;
    return ERR_OK;
}

void callers_close(struct callers *callers)
{
    free(callers);
}

// --- How many ---

static size_t find_place(const struct callers *callers, const struct sockaddr *address)
{
    struct ip ip;
    if (address == NULL || ip_of_sockaddr(address, &ip) != ERR_OK)
        return N_COUNTS;
    if (callers->conf->api_use_header && peer_is_in(&callers->conf->api_trusted_proxies, ip))
        return N_COUNTS;
    const struct limit_key key = limit_key_of_ip(ip);
    const struct bytes part = {key.at, sizeof key.at};
    uint8_t mac[SECRET_MAC_BYTES];
    secret_mac(&callers->key, &part, 1, mac);
    struct reader r = reader_of(mac, sizeof mac);
    return take_u64(&r) % N_COUNTS;
}

enum MHD_Result callers_on_accept(void *arg, const struct sockaddr *address, socklen_t n_address)
{
    (void)n_address;
    struct callers *callers = arg;
    int64_t max = callers->conf->api_connections_per_client;
    size_t place = max == 0 ? N_COUNTS : find_place(callers, address);
    if (place == N_COUNTS || callers->counts[place] < max)
        return MHD_YES;
    count(callers->counters, COUNT_http_crowded);
    return MHD_NO;
}

// --- How long ---

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void leave(struct caller *caller)
{
    if (caller->next == NULL)
        return;
    caller->next->previous = caller->previous;
    caller->previous->next = caller->next;
    caller->next = caller->previous = NULL;
}

static void enter(struct caller *caller)
{
    struct caller *end = &caller->callers->list;
    leave(caller);
    caller->due_ms = now_ms() + (uint64_t)caller->callers->conf->api_request_s * MS_PER_S;
    caller->next = end;
    caller->previous = end->previous;
    end->previous->next = caller;
    end->previous = caller;
}

static struct caller *find(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void callers_rest(struct MHD_Connection *connection)
{
    struct caller *caller = find(connection);
    if (caller != NULL)
        leave(caller);
}

void callers_begin(struct MHD_Connection *connection)
{
    struct caller *caller = find(connection);
    if (caller != NULL)
        enter(caller);
}

static void break_off(struct caller *caller)
{
    struct callers *callers = caller->callers;
    char text[IP_TEXT_MAX] = "-";
    struct ip ip;
    leave(caller);
    if (ip_of_sockaddr(MHD_get_connection_info(caller->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                       &ip) == ERR_OK)
        ip_write(ip, text);
    log_write(callers->log, LOG_DEBUG, "request.late", LOG_STR("ip", text));
    count(callers->counters, COUNT_http_late);
    shutdown(MHD_get_connection_info(caller->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, SHUT_RDWR);
}

uint64_t callers_sweep(struct callers *callers, uint64_t max_ms)
{
    uint64_t now = now_ms();
    struct caller *first;
    while ((first = callers->list.next) != &callers->list && first->due_ms <= now)
        break_off(first);
    if (first == &callers->list || first->due_ms - now > max_ms)
        return max_ms;
    return first->due_ms - now;
}

// --- Coming and going ---

void callers_on_connection(void *arg, struct MHD_Connection *connection, void **slot,
                           enum MHD_ConnectionNotificationCode code)
{
    struct callers *callers = arg;
    struct caller *caller = *slot;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *slot = caller = calloc(1, sizeof *caller);
        if (caller == NULL)
            return; // goes on uncounted
        caller->callers = callers;
        caller->connection = connection;
        caller->place =
            find_place(callers, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        if (caller->place < N_COUNTS)
            callers->counts[caller->place]++;
        enter(caller);
    } else if (caller != NULL) {
        if (caller->place < N_COUNTS)
            callers->counts[caller->place]--;
        leave(caller);
        free(caller);
        *slot = NULL;
    }
}

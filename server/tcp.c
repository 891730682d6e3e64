// SPDX-License-Identifier: MIT
// Queries may come pipelined and cut anywhere. What one read brings lands in a buffer shared by all connections of the
// worker, behind what the connection had left over; all whole messages in it are answered into a second shared buffer,
// and all answers leave in one write. Only the left-over piece of a message is copied into memory of the connection's
// own.
//
// A client that does not read its answers fills its socket; then the rest of the answers is copied, and nothing more is
// read from this connection until they are gone.
//
// What a worker holds for slow clients is bounded: HELD_MAX bytes of left-over pieces and of answers that wait, over
// all connections. Beyond that, a connection for which more than SMALL_BYTES would have to be held is closed; an honest
// client, which reads its answers and whose pieces are small, does not notice. So all TCP of a worker takes at most
//
//     sizeof(struct tcp) + HELD_MAX + connections * (sizeof(struct connection) + SMALL_BYTES), under 0.5 + 16 + 1 MiB
//
// for a thousand connections. One client may hold only so many of them (clients.h); the next is closed at once.
//
// Connections hang in a list, the most recently useful first. Useful means a whole message, or a write that was taken:
// bytes that trickle do not count. Twice a second the end of the list is cut where it is older than tcp_idle_s; when
// there are too many connections, the last one makes room for the new one.
#include "tcp.h"

#include "acceptor.h"
#include "clients.h"
#include "frame.h"
#include "worker.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BYTES = 2 * FRAME_MAX, OUT_BYTES = 4 * FRAME_MAX };
enum { HELD_MAX = 16 << 20, SMALL_BYTES = 512 };
enum { LISTENERS_MAX = 128, TICK_MS = 500 };

struct connection {
    uv_tcp_t handle;
    struct tcp *tcp;
    struct sockaddr_in6 peer; // room for either family
    struct connection *newer;
    struct connection *older;
    uint64_t useful_ms; // when it last was, on the loop's clock
    uint8_t *left_over; // read, not yet answered
    size_t n_left_over;
    size_t n_room; // bytes allocated at left_over
    uint16_t slot; // of its client
    bool is_writing;
};

struct tcp {
    struct worker *worker;
    struct clients clients;
    size_t n_held; // bytes that wait for slow clients
    size_t n_connections;
    struct connection *newest;
    struct connection *oldest;
    struct acceptor *acceptors[LISTENERS_MAX];
    size_t n_acceptors;
    uv_timer_t tick;
    uint8_t in[IN_BYTES];
    uint8_t out[OUT_BYTES];
};

// Answers that a socket would not take at once.
struct pending {
    uv_write_t request;
    size_t n;
    uint8_t bytes[];
};

// --- The list of connections ---

static void unlink_connection(struct connection *c)
{
    struct tcp *tcp = c->tcp;
    *(c->newer == NULL ? &tcp->newest : &c->newer->older) = c->older;
    *(c->older == NULL ? &tcp->oldest : &c->older->newer) = c->newer;
}

static void link_newest(struct connection *c)
{
    struct tcp *tcp = c->tcp;
    c->newer = NULL;
    c->older = tcp->newest;
    *(c->older == NULL ? &tcp->oldest : &c->older->newer) = c;
    tcp->newest = c;
    c->useful_ms = uv_now(worker_loop(tcp->worker));
}

static void note_useful(struct connection *c)
{
    unlink_connection(c);
    link_newest(c);
}

// Whether `n` more bytes may be held for a slow client; counts the refusal.
static bool may_hold(struct tcp *tcp, size_t n)
{
    bool may = n <= SMALL_BYTES || tcp->n_held + n <= HELD_MAX;
    if (!may)
        count(worker_own_counters(tcp->worker), COUNT_tcp_held_refused);
    return may;
}

static void drop_left_over(struct connection *c)
{
    free(c->left_over);
    c->left_over = NULL;
    c->tcp->n_held -= c->n_room;
    c->n_room = c->n_left_over = 0;
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    drop_left_over(c);
    free(c);
}

static void close_connection(struct connection *c)
{
    if (uv_is_closing((uv_handle_t *)&c->handle))
        return;
    unlink_connection(c);
    c->tcp->n_connections--;
    clients_put(&c->tcp->clients, c->slot);
    uv_close((uv_handle_t *)&c->handle, on_connection_closed);
}

static void on_tick(uv_timer_t *timer)
{
    struct tcp *tcp = timer->data;
    uint64_t idle_ms = (uint64_t)worker_options(tcp->worker)->conf->general_tcp_idle_s * 1000;
    uint64_t now = uv_now(worker_loop(tcp->worker));
    while (tcp->oldest != NULL && now - tcp->oldest->useful_ms >= idle_ms) {
        count(worker_own_counters(tcp->worker), COUNT_tcp_idle);
        close_connection(tcp->oldest);
    }
}

// --- Answers out ---

static void answer_frames(struct connection *c, struct bytes in);

static void on_read_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room);

static void on_written(uv_write_t *request, int status)
{
    struct connection *c = request->data;
    c->tcp->n_held -= ((struct pending *)(void *)request)->n;
    free(request); // a struct pending begins with it
    c->is_writing = false;
    if (status < 0 || uv_is_closing((uv_handle_t *)&c->handle)) {
        close_connection(c);
        return;
    }
    note_useful(c);
    struct tcp *tcp = c->tcp;
    size_t n = c->n_left_over;
    if (n != 0)
        memcpy(tcp->in, c->left_over, n);
    c->n_left_over = 0;
    answer_frames(c, (struct bytes){tcp->in, n});
    if (!c->is_writing && !uv_is_closing((uv_handle_t *)&c->handle))
        uv_read_start((uv_stream_t *)&c->handle, on_read_room, on_read);
}

// What the socket would not take waits; until it is gone the connection is not read.
static enum err write_later(struct connection *c, struct bytes rest)
{
    if (!may_hold(c->tcp, rest.n))
        return ERR_FULL;
    struct pending *pending = malloc(sizeof *pending + rest.n);
    if (pending == NULL)
        return ERR_MEMORY;
    memcpy(pending->bytes, rest.at, rest.n);
    pending->request.data = c;
    pending->n = rest.n;
    uv_buf_t buffer = uv_buf_init((char *)pending->bytes, (unsigned)rest.n);
    if (uv_write(&pending->request, (uv_stream_t *)&c->handle, &buffer, 1, on_written) != 0) {
        free(pending);
        return ERR_SYSTEM;
    }
    c->is_writing = true;
    c->tcp->n_held += rest.n;
    uv_read_stop((uv_stream_t *)&c->handle);
    return ERR_OK;
}

static void write_answers(struct connection *c, struct bytes answers)
{
    if (answers.n == 0)
        return;
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)answers.at, (unsigned)answers.n);
    int written = uv_try_write((uv_stream_t *)&c->handle, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) {
        close_connection(c);
        return;
    }
    size_t n = written < 0 ? 0 : (size_t)written;
    if (n < answers.n && write_later(c, (struct bytes){answers.at + n, answers.n - n}) != ERR_OK)
        close_connection(c);
}

// --- Queries in ---

static void put_answer(struct connection *c, struct writer *out, struct bytes query, const struct lookup *lookup)
{
    uint8_t *length = out->at;
    struct message message = {length + FRAME_LENGTH_BYTES, query.n, TCP_MAX_BYTES, .is_udp = false,
                              .client = (const struct sockaddr *)&c->peer};
    memcpy(message.at, query.at, query.n);
    size_t n = answer_write(&message, lookup, worker_own_counters(c->tcp->worker));
    if (n == 0)
        return;
    frame_set_length(length, n);
    out->at += FRAME_LENGTH_BYTES + n;
}

// Tells what the next messages are going to ask; `in` is a copy, nothing is taken.
static void look_ahead(struct reader in, const struct lookup *lookup)
{
    struct bytes frames[STORE_AHEAD_MAX];
    size_t n = 0;
    while (n < STORE_AHEAD_MAX && frame_take(&in, &frames[n]))
        n++;
    lookup_ahead(lookup, frames, n);
}

// Answers every whole message at the front of `in`, as long as the client takes the answers; returns what is left.
static struct bytes answer_whole(struct connection *c, struct bytes in)
{
    struct tcp *tcp = c->tcp;
    struct reader r = reader_of(in.at, in.n);
    struct bytes query;
    bool is_more = true;
    while (is_more && !c->is_writing && !uv_is_closing((uv_handle_t *)&c->handle)) {
        struct writer out = writer_of(tcp->out, sizeof tcp->out);
        uint64_t n_queries = 0, began_ns = tally_begin(worker_own_tally(tcp->worker));
        const struct lookup *lookup = worker_begin(tcp->worker);
        while (writer_left(&out) >= FRAME_MAX) {
            if (n_queries % STORE_AHEAD_MAX == 0)
                look_ahead(r, lookup);
            is_more = frame_take(&r, &query);
            if (!is_more)
                break;
            put_answer(c, &out, query, lookup);
            n_queries++;
        }
        worker_end(tcp->worker);
        count_many(worker_own_counters(tcp->worker), COUNT_tcp_queries, n_queries);
        if (n_queries != 0)
            note_useful(c);
        write_answers(c, (struct bytes){tcp->out, writer_used(&out)});
        tally_end(worker_own_tally(tcp->worker), began_ns, n_queries);
    }
    return (struct bytes){r.at, reader_left(&r)};
}

static void answer_frames(struct connection *c, struct bytes in)
{
    struct bytes rest = answer_whole(c, in);
    drop_left_over(c);
    if (rest.n == 0 || uv_is_closing((uv_handle_t *)&c->handle))
        return;
    c->left_over = may_hold(c->tcp, rest.n) ? malloc(rest.n) : NULL;
    if (c->left_over == NULL) {
        close_connection(c);
        return;
    }
    memcpy(c->left_over, rest.at, rest.n);
    c->n_room = c->n_left_over = rest.n;
    c->tcp->n_held += rest.n;
}

// libuv reads right after this: behind what was left over, in the buffer that all connections share.
static void on_read_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    (void)suggested;
    struct connection *c = handle->data;
    struct tcp *tcp = c->tcp;
    if (c->n_left_over != 0)
        memcpy(tcp->in, c->left_over, c->n_left_over);
    *room = uv_buf_init((char *)tcp->in + c->n_left_over, (unsigned)(sizeof tcp->in - c->n_left_over));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    (void)room;
    struct connection *c = stream->data;
    if (n < 0) {
        close_connection(c);
        return;
    }
    if (n == 0)
        return;
    size_t n_before = c->n_left_over;
    c->n_left_over = 0;
    answer_frames(c, (struct bytes){c->tcp->in, n_before + (size_t)n});
}

// --- Connections come ---

static bool close_oldest(void *owner)
{
    struct tcp *tcp = owner;
    if (tcp->oldest == NULL)
        return false;
    count(worker_own_counters(tcp->worker), COUNT_tcp_refused);
    close_connection(tcp->oldest);
    return true;
}

// A connection on the loop, counted for its client; the caller keeps the descriptor when there is no memory.
static struct connection *new_connection(struct tcp *tcp, int fd, const struct sockaddr_in6 *peer)
{
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    if (uv_tcp_init(worker_loop(tcp->worker), &c->handle) != 0)
        abort(); // libuv refuses only flags that it does not know
    c->handle.data = c;
    c->tcp = tcp;
    c->peer = *peer;
    if (uv_tcp_open(&c->handle, fd) != 0) {
        uv_close((uv_handle_t *)&c->handle, on_connection_closed);
        return NULL;
    }
    tcp->n_connections++;
    link_newest(c);
    return c;
}

// Most clients have sent their question by now: it is read without asking the loop whether there is one.
static void read_at_once(struct connection *c, int fd)
{
    uv_buf_t room;
    on_read_room((uv_handle_t *)&c->handle, 0, &room);
    ssize_t n = recv(fd, room.base, room.len, 0);
    if (n >= 0)
        on_read((uv_stream_t *)&c->handle, n == 0 ? UV_EOF : n, &room);
}

static void on_socket(void *owner, int fd, const struct sockaddr_in6 *peer)
{
    struct tcp *tcp = owner;
    uint16_t slot = clients_slot(&tcp->clients, (const struct sockaddr *)peer);
    if (!clients_take(&tcp->clients, slot)) {
        count(worker_own_counters(tcp->worker), COUNT_tcp_client_refused);
        close(fd);
        return;
    }
    struct connection *c = new_connection(tcp, fd, peer);
    if (c == NULL) {
        clients_put(&tcp->clients, slot);
        close(fd);
        return;
    }
    c->slot = slot;
    count(worker_own_counters(tcp->worker), COUNT_tcp_connections);
    if (tcp->n_connections > worker_options(tcp->worker)->max_tcp_connections)
        close_oldest(tcp); // not before: one who is refused pushes nobody out
    read_at_once(c, fd);
    if (!c->is_writing && !uv_is_closing((uv_handle_t *)&c->handle))
        uv_read_start((uv_stream_t *)&c->handle, on_read_room, on_read);
}

enum err tcp_new(struct tcp **tcp, struct worker *worker)
{
    struct tcp *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    if (uv_timer_init(worker_loop(worker), &self->tick) != 0) {
        free(self);
        return ERR_SYSTEM;
    }
    self->worker = worker;
    clients_begin(&self->clients, (uint32_t)worker_options(worker)->max_tcp_per_client);
    self->tick.data = self;
    *tcp = self;
    return ERR_OK;
}

enum err tcp_listen(struct tcp *tcp, int fd)
{
    const struct acceptor_events events = {tcp, on_socket, close_oldest};
    if (tcp->n_acceptors == LISTENERS_MAX)
        return ERR_RANGE;
    enum err err = acceptor_open(&tcp->acceptors[tcp->n_acceptors], worker_loop(tcp->worker), fd, &events);
    if (err != ERR_OK)
        return err;
    tcp->n_acceptors++;
    if (!uv_is_active((uv_handle_t *)&tcp->tick) && uv_timer_start(&tcp->tick, on_tick, TICK_MS, TICK_MS) != 0)
        abort(); // libuv refuses only a closing handle
    return ERR_OK;
}

void tcp_stop(struct tcp *tcp)
{
    for (size_t i = 0; i < tcp->n_acceptors; i++)
        acceptor_close(tcp->acceptors[i]);
    tcp->n_acceptors = 0;
    while (tcp->oldest != NULL)
        close_connection(tcp->oldest);
    uv_close((uv_handle_t *)&tcp->tick, NULL);
}

void tcp_free(struct tcp *tcp)
{
    free(tcp);
}

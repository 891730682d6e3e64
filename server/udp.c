// SPDX-License-Identifier: MIT
// One readable event: up to BATCH datagrams come in by one recvmmsg, each is answered in its own buffer, and all
// answers leave by one sendmmsg, under one snapshot of the store. A full batch means there is more, so the socket is
// read again, but only ROUNDS times: TCP and the loop's other duties get their turn.
//
// Each message keeps the address it came from and, on sockets bound to all addresses, the control data that name the
// address it was sent to; both go back with the answer.
#include "udp.h"

#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 32, ROUNDS = 8, BUFFER_BYTES = 4096, CONTROL_BYTES = 64 };

struct udp_batch {
    struct mmsghdr in[BATCH];
    struct mmsghdr out[BATCH];
    struct iovec in_at[BATCH];
    struct iovec out_at[BATCH];
    struct sockaddr_in6 address[BATCH]; // room for either family
    _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_BYTES];
    uint8_t buffer[BATCH][BUFFER_BYTES];
};

struct udp_socket {
    uv_poll_t poll;
    int fd;
    struct udp_batch *batch;
    struct worker *worker;
};

enum err udp_batch_new(struct udp_batch **batch)
{
    struct udp_batch *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    for (unsigned i = 0; i < BATCH; i++) {
        self->in_at[i] = (struct iovec){self->buffer[i], BUFFER_BYTES};
        self->in[i].msg_hdr = (struct msghdr){.msg_name = &self->address[i],
                                              .msg_iov = &self->in_at[i],
                                              .msg_iovlen = 1,
                                              .msg_control = self->control[i]};
    }
    *batch = self;
    return ERR_OK;
}

void udp_batch_free(struct udp_batch *batch)
{
    free(batch);
}

static int receive(struct udp_socket *self)
{
    struct udp_batch *batch = self->batch;
    for (unsigned i = 0; i < BATCH; i++) { // the kernel shortened these last time
        batch->in[i].msg_hdr.msg_namelen = sizeof batch->address[i];
        batch->in[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
    int n;
    do
        n = recvmmsg(self->fd, batch->in, BATCH, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    return n;
}

// The interface a question came in by must not bind the answer: the route back may be another one. A link-local address
// does mean nothing without it.
static void free_interface(struct msghdr *header)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (struct in_pktinfo *)(void *)CMSG_DATA(c);
            info->ipi_ifindex = 0;
            info->ipi_spec_dst = info->ipi_addr; // RFC 1123 6.1.3: from the address that was asked
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(c);
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
                info->ipi6_ifindex = 0;
        }
    }
}

// sin_port and sin6_port lie at the same place. Port 0 cannot be answered.
static bool has_source_port(const struct sockaddr_in6 *address)
{
    return address->sin6_port != 0;
}

static void look_ahead(const struct udp_batch *batch, unsigned n, const struct lookup *lookup)
{
    struct bytes messages[BATCH];
    for (unsigned i = 0; i < n; i++)
        messages[i] = (struct bytes){batch->buffer[i], batch->in[i].msg_len};
    lookup_ahead(lookup, messages, n);
}

// Answers `n` messages; returns how many answers wait in `out`.
static unsigned answer_all(struct udp_socket *self, unsigned n)
{
    struct udp_batch *batch = self->batch;
    struct counters *counters = worker_own_counters(self->worker);
    const struct lookup *lookup = worker_begin(self->worker);
    unsigned n_out = 0;
    look_ahead(batch, n, lookup);
    for (unsigned i = 0; i < n; i++) {
        struct message message = {batch->buffer[i], batch->in[i].msg_len, BUFFER_BYTES, .is_udp = true,
                                  .client = (const struct sockaddr *)&batch->address[i]};
        size_t n_answer = has_source_port(&batch->address[i]) ? answer_write(&message, lookup, counters) : 0;
        if (n_answer == 0)
            continue;
        batch->out_at[n_out] = (struct iovec){batch->buffer[i], n_answer};
        struct msghdr *out = &batch->out[n_out].msg_hdr;
        *out = batch->in[i].msg_hdr;
        out->msg_iov = &batch->out_at[n_out];
        out->msg_flags = 0;
        if (out->msg_controllen == 0)
            out->msg_control = NULL;
        else
            free_interface(out);
        n_out++;
    }
    worker_end(self->worker);
    count_many(counters, COUNT_udp_queries, n);
    return n_out;
}

// Sends what it can. An answer that the kernel refuses (a route that is gone, a full buffer) is lost, as on the way.
static void send_all(struct udp_socket *self, unsigned n)
{
    unsigned n_lost = 0;
    for (unsigned at = 0; at < n;) {
        int sent = sendmmsg(self->fd, self->batch->out + at, n - at, MSG_DONTWAIT);
        if (sent > 0) {
            at += (unsigned)sent;
        } else if (sent < 0 && errno != EINTR) {
            n_lost++;
            at++;
        }
    }
    if (n_lost != 0)
        count_many(worker_own_counters(self->worker), COUNT_unsent, n_lost);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; // an error of the socket shows in recvmmsg, which takes it away
    (void)events;
    struct udp_socket *self = poll->data;
    struct tally *tally = worker_own_tally(self->worker);
    int n = BATCH;
    for (unsigned round = 0; round < ROUNDS && n == BATCH; round++) {
        n = receive(self);
        if (n <= 0)
            break;
        uint64_t began_ns = tally_begin(tally);
        send_all(self, answer_all(self, (unsigned)n));
        tally_end(tally, began_ns, (uint64_t)n);
    }
}

enum err udp_start(struct udp_socket **socket, int fd, struct udp_batch *batch, struct worker *worker)
{
    struct udp_socket *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    if (uv_poll_init(worker_loop(worker), &self->poll, fd) != 0) {
        free(self);
        return ERR_SYSTEM;
    }
    self->poll.data = self;
    self->fd = fd;
    self->batch = batch;
    self->worker = worker;
    *socket = self;
    if (uv_poll_start(&self->poll, UV_READABLE, on_readable) != 0)
        abort(); // libuv refuses only a closing handle
    return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct udp_socket *self = handle->data;
    close(self->fd);
    free(self);
}

void udp_stop(struct udp_socket *socket)
{
    uv_close((uv_handle_t *)&socket->poll, on_closed);
}

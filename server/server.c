// SPDX-License-Identifier: MIT
// Each worker gets a socket of its own on each address, all sharing it by SO_REUSEPORT; the kernel spreads the
// questions. Because that option would also let a second server in, an address is first bound once without it: if that
// fails, somebody else has it.
//
// With port 0 the system chooses a port for the first UDP socket, and TCP has to get the same one. Somebody else may
// have that port for TCP, so the pair is tried a few times.
#include "server.h"

#include "querylog.h"
#include "socket.h"
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PORT_TRIES = 20 };

struct server {
    struct server_options options;
    struct querylog *querylog; // a null pointer: none
    struct worker **workers;
    size_t n_workers;
    char *addresses;
};

static const enum socket_kind kinds[] = {SOCKET_UDP, SOCKET_TCP};

static bool is_kind_wanted(const struct conf *conf, enum socket_kind kind)
{
    return kind == SOCKET_UDP ? conf->has_udp : conf->has_tcp;
}

// Whether the address is free for all wanted kinds, which also chooses the port when it is 0. errno says why not.
static enum err choose_port(const struct conf *conf, const struct listen *listen, uint16_t *port)
{
    int fds[2];
    size_t n = 0;
    uint16_t chosen = listen->port;
    enum err err = ERR_OK;
    for (size_t i = 0; i < 2 && err == ERR_OK; i++) {
        if (!is_kind_wanted(conf, kinds[i]))
            continue;
        err = socket_bind(&fds[n], kinds[i], SOCKET_ALONE, listen->ip, chosen);
        if (err == ERR_OK)
            chosen = socket_port(fds[n++]);
    }
    int saved = errno;
    while (n > 0)
        close(fds[--n]);
    errno = saved;
    if (err == ERR_OK)
        *port = chosen;
    return err;
}

static enum err refuse_address(const struct server *self, const struct listen *listen, uint16_t port)
{
    char text[SOCKET_TEXT_MAX];
    const char *reason = strerror(errno);
    log_write(self->options.log, LOG_ERROR, "serve.cannot_bind",
              LOG_STR("address", socket_write(listen->ip, port, text)), LOG_STR("reason", reason));
    return ERR_SYSTEM;
}

// One socket of each wanted kind for each worker.
static enum err bind_for_workers(struct server *self, const struct listen *listen, uint16_t port)
{
    for (size_t i = 0; i < self->n_workers; i++)
        for (size_t k = 0; k < 2; k++) {
            int fd;
            if (!is_kind_wanted(self->options.conf, kinds[k]))
                continue;
            enum err err = socket_bind(&fd, kinds[k], SOCKET_SHARED, listen->ip, port);
            if (err != ERR_OK)
                return refuse_address(self, listen, port);
            err = kinds[k] == SOCKET_UDP ? worker_add_udp(self->workers[i], fd) : worker_add_tcp(self->workers[i], fd);
            if (err != ERR_OK)
                return err;
        }
    return ERR_OK;
}

static enum err serve_address(struct server *self, const struct listen *listen, FILE *addresses)
{
    uint16_t port = listen->port;
    enum err err = ERR_SYSTEM;
    for (unsigned i = 0; i < (listen->port == 0 ? PORT_TRIES : 1) && err != ERR_OK; i++)
        err = choose_port(self->options.conf, listen, &port);
    if (err != ERR_OK && listen->is_implied && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        return ERR_OK; // "all addresses" on a machine without this family
    if (err != ERR_OK)
        return refuse_address(self, listen, port);
    err = bind_for_workers(self, listen, port);
    char text[SOCKET_TEXT_MAX];
    fprintf(addresses, "%s%s", ftell(addresses) > 0 ? "," : "", socket_write(listen->ip, port, text));
    return err;
}

static enum err serve_addresses(struct server *self)
{
    size_t n;
    FILE *addresses = open_memstream(&self->addresses, &n);
    if (addresses == NULL)
        return ERR_MEMORY;
    const struct listens *listens = &self->options.conf->dns_listens;
    enum err err = ERR_OK;
    for (size_t i = 0; i < listens->n && err == ERR_OK; i++)
        err = serve_address(self, &listens->at[i], addresses);
    return fclose(addresses) == 0 ? err : ERR_MEMORY;
}

static enum err make_workers(struct server *self, struct zones *zones)
{
    size_t n = (size_t)self->options.conf->general_workers;
    size_t n_connections = (size_t)self->options.conf->general_tcp_connections;
    const struct conf *conf = self->options.conf;
    size_t n_per_client = (size_t)conf->general_tcp_per_client;
    struct worker_options options = {
        .conf = conf,
        .store = self->options.store,
        .log = self->options.log,
        .max_tcp_connections = (n_connections + n - 1) / n,
        .max_tcp_per_client = (n_per_client + n - 1) / n,
        .querylog = self->querylog,
        .cookies = cookie_keys_of(conf->general_cookie_secret, conf->general_cookie_secret_other)};
    self->workers = calloc(n, sizeof(struct worker *));
    enum err err = self->workers == NULL ? ERR_MEMORY : ERR_OK;
    while (self->n_workers < n && err == ERR_OK) {
        options.number = self->n_workers;
        err = worker_new(&self->workers[self->n_workers], &options, zones);
        if (err == ERR_OK)
            self->n_workers++;
    }
    return err;
}

static enum err open_querylog(struct server *self)
{
    const struct conf *conf = self->options.conf;
    if (conf->querylog_sample == 0)
        return ERR_OK;
    const struct querylog_options options = {.log = self->options.querylog,
                                             .n_every = (uint64_t)conf->querylog_sample,
                                             .n_rings = (size_t)conf->general_workers};
    return querylog_open(&self->querylog, &options);
}

static enum err start_all(struct server *self, struct zones *zones)
{
    enum err err = open_querylog(self);
    if (err == ERR_OK)
        err = make_workers(self, zones);
    if (err == ERR_OK)
        err = serve_addresses(self);
    for (size_t i = 0; i < self->n_workers && err == ERR_OK; i++)
        err = worker_start(self->workers[i]);
    return err;
}

enum err server_start(struct server **server, const struct server_options *options, struct zones *zones)
{
    struct server *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->options = *options;
    enum err err = start_all(self, zones);
    if (err != ERR_OK) {
        server_stop(self);
        return err;
    }
    *server = self;
    return ERR_OK;
}

void server_stop(struct server *server)
{
    for (size_t i = 0; i < server->n_workers; i++)
        worker_stop(server->workers[i]);
    querylog_close(server->querylog);
    free(server->workers);
    free(server->addresses);
    free(server);
}

void server_set_zones(struct server *server, struct zones *zones)
{
    for (size_t i = 0; i < server->n_workers; i++)
        worker_set_zones(server->workers[i], zones);
}

const char *server_addresses(const struct server *server)
{
    return server->addresses;
}

size_t server_n_workers(const struct server *server)
{
    return server->n_workers;
}

const struct counters *server_counters(const struct server *server, size_t worker)
{
    return worker_counters(server->workers[worker]);
}

const struct tally *server_tally(const struct server *server, size_t worker)
{
    return worker_tally(server->workers[worker]);
}

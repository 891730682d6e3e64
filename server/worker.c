// SPDX-License-Identifier: MIT
// The thread runs one loop that is woken by sockets and by one async handle, through which the main thread leaves word:
// new zones, or to stop. New zones lie in an atomic slot until the loop takes them between two batches, so a batch is
// answered from one set of zones throughout and the query path reads a plain pointer.
#include "worker.h"

#include "querylog.h"
#include "tcp.h"
#include "udp.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SOCKETS_MAX = 128 };

struct worker {
    struct counters counters;
    struct tally tally;
    struct worker_options options;
    struct lookup lookup;
    struct guard guard;
    struct zones *zones; // the worker's reference to lookup.zones
    struct store_reader *reader;
    struct udp_batch *batch;
    struct tcp *tcp;
    struct udp_socket *sockets[SOCKETS_MAX];
    size_t n_sockets;
    uv_loop_t loop;
    uv_async_t word;
    uv_thread_t thread;
    bool is_running;
    _Atomic(struct zones *) new_zones; // a reference on its way in
    _Atomic bool is_stopping;
};

uv_loop_t *worker_loop(struct worker *worker)
{
    return &worker->loop;
}

const struct worker_options *worker_options(const struct worker *worker)
{
    return &worker->options;
}

struct counters *worker_own_counters(struct worker *worker)
{
    return &worker->counters;
}

struct tally *worker_own_tally(struct worker *worker)
{
    return &worker->tally;
}

const struct tally *worker_tally(const struct worker *worker)
{
    return &worker->tally;
}

const struct counters *worker_counters(const struct worker *worker)
{
    return &worker->counters;
}

const struct lookup *worker_begin(struct worker *worker)
{
    worker->guard.now_ms = uv_now(&worker->loop);
    worker->guard.now_s = (uint32_t)time(NULL);
    worker->lookup.fitness = store_fitness(worker->options.store);
    worker->lookup.reader = store_begin(worker->reader) == ERR_OK ? worker->reader : NULL;
    return &worker->lookup;
}

void worker_end(struct worker *worker)
{
    if (worker->lookup.reader != NULL)
        store_end(worker->reader);
}

static void take_new_zones(struct worker *self)
{
    struct zones *zones = atomic_exchange(&self->new_zones, NULL);
    if (zones == NULL)
        return;
    zones_drop(self->zones);
    self->zones = zones;
    self->lookup.zones = zones;
}

static void close_all(struct worker *self)
{
    for (size_t i = 0; i < self->n_sockets; i++)
        udp_stop(self->sockets[i]);
    self->n_sockets = 0;
    tcp_stop(self->tcp);
    uv_close((uv_handle_t *)&self->word, NULL);
}

static void on_word(uv_async_t *word)
{
    struct worker *self = word->data;
    take_new_zones(self);
    if (atomic_load(&self->is_stopping))
        close_all(self);
}

static void run(void *argument)
{
    struct worker *self = argument;
    uv_run(&self->loop, UV_RUN_DEFAULT);
}

enum err worker_new(struct worker **worker, const struct worker_options *options, struct zones *zones)
{
    struct worker *self = aligned_alloc(_Alignof(struct worker), sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    memset(self, 0, sizeof *self);
    self->options = *options;
    self->lookup.conf = options->conf;
    self->lookup.guard = &self->guard;
    self->lookup.tally = &self->tally;
    if (options->querylog != NULL)
        self->lookup.log = querylog_ring(options->querylog, options->number);
    if (uv_loop_init(&self->loop) != 0) {
        free(self);
        return ERR_SYSTEM;
    }
    self->word.data = self;
    if (uv_async_init(&self->loop, &self->word, on_word) != 0) {
        uv_loop_close(&self->loop);
        free(self);
        return ERR_SYSTEM;
    }
    self->zones = zones_hold(zones);
    self->lookup.zones = zones;
    enum err err = tcp_new(&self->tcp, self);
    if (err == ERR_OK)
        err = udp_batch_new(&self->batch);
    if (err == ERR_OK)
        err = guard_open(&self->guard, options->conf, &options->cookies);
    if (err == ERR_OK)
        err = store_reader_open(&self->reader, options->store);
    if (err != ERR_OK) {
        worker_stop(self);
        return err;
    }
    *worker = self;
    return ERR_OK;
}

enum err worker_add_udp(struct worker *worker, int fd)
{
    enum err err = worker->n_sockets < SOCKETS_MAX ? ERR_OK : ERR_RANGE;
    if (err == ERR_OK)
        err = udp_start(&worker->sockets[worker->n_sockets], fd, worker->batch, worker);
    if (err == ERR_OK)
        worker->n_sockets++;
    else
        close(fd);
    return err;
}

enum err worker_add_tcp(struct worker *worker, int fd)
{
    enum err err = tcp_listen(worker->tcp, fd);
    if (err != ERR_OK)
        close(fd);
    return err;
}

enum err worker_start(struct worker *worker)
{
    worker->is_running = uv_thread_create(&worker->thread, run, worker) == 0;
    return worker->is_running ? ERR_OK : ERR_SYSTEM;
}

void worker_set_zones(struct worker *worker, struct zones *zones)
{
    struct zones *overtaken = atomic_exchange(&worker->new_zones, zones_hold(zones));
    if (overtaken != NULL)
        zones_drop(overtaken);
    uv_async_send(&worker->word);
}

void worker_stop(struct worker *worker)
{
    if (worker->is_running) {
        atomic_store(&worker->is_stopping, true);
        uv_async_send(&worker->word);
        uv_thread_join(&worker->thread);
        take_new_zones(worker);
    } else {
        if (worker->tcp != NULL)
            close_all(worker);
        else
            uv_close((uv_handle_t *)&worker->word, NULL);
        uv_run(&worker->loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(&worker->loop);
    if (worker->reader != NULL)
        store_reader_close(worker->reader);
    tcp_free(worker->tcp);
    udp_batch_free(worker->batch);
    guard_close(&worker->guard);
    zones_drop(worker->zones);
    free(worker);
}

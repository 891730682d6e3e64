// SPDX-License-Identifier: MIT
// A ring has one writer, its worker, and one reader, the thread that drains all rings. Each of the two counts on its
// own cache line how far it has come, and looks at the other's count: no entry is ever touched by both.
//
// The thread sleeps between rounds instead of being woken, which would cost the worker a system call. A ring holds what
// a worker can answer in the meantime unless it is asked more than 80,000 times a second.
#include "querylog.h"

#include "answer.h"
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { N_ENTRIES = 4096, NAP_MS = 50, NAME_TEXT_MAX = 4 * NAME_MAX_BYTES + 2, TYPE_TEXT_MAX = 16 };

struct entry {
    struct ip ip;
    bool has_ip;
    bool is_udp;
    bool has_question;
    struct querylog_outcome outcome;
    uint16_t qtype;
    uint8_t n_qname;
    uint8_t qname[NAME_MAX_BYTES];
};

struct querylog_ring {
    _Alignas(64) _Atomic uint64_t n_put; // written by the worker
    uint64_t n_every;
    uint64_t n_until;                      // queries until the next one is noted
    _Alignas(64) _Atomic uint64_t n_taken; // written by the thread
    _Alignas(64) struct entry entries[N_ENTRIES];
};

struct querylog {
    struct log *log;
    uv_thread_t thread;
    uv_mutex_t mutex; // guards is_stopping
    uv_cond_t stop;
    bool is_stopping;
    size_t n_rings;
    struct querylog_ring *rings[];
};

// --- The worker's side ---

void querylog_note(struct querylog_ring *ring, const struct message *message, const struct query *query,
                   struct querylog_outcome outcome, struct counters *counters)
{
    if (ring->n_until-- != 0)
        return;
    ring->n_until = ring->n_every - 1;
    uint64_t n_put = atomic_load_explicit(&ring->n_put, memory_order_relaxed);
    if (n_put - atomic_load_explicit(&ring->n_taken, memory_order_acquire) == N_ENTRIES) {
        count(counters, COUNT_querylog_dropped);
        return;
    }
    struct entry *entry = &ring->entries[n_put % N_ENTRIES];
    entry->has_ip = message->client != NULL && ip_of_sockaddr(message->client, &entry->ip) == ERR_OK;
    entry->is_udp = message->is_udp;
    entry->outcome = outcome;
    entry->has_question = query->has_question;
    if (query->has_question) {
        entry->qtype = query->qtype;
        entry->n_qname = query->n_qname;
        memcpy(entry->qname, query->qname, query->n_qname);
    }
    atomic_store_explicit(&ring->n_put, n_put + 1, memory_order_release);
}

// --- The thread's side ---

// As in zone files (RFC 1035 5.1).
static const char *write_name(const struct entry *entry, char text[static NAME_TEXT_MAX])
{
    char *to = text;
    struct reader r = reader_of(entry->qname, entry->n_qname);
    for (size_t n; (n = take_u8(&r)) != 0 && !r.is_bad; *to++ = '.')
        for (; n > 0; n--) {
            unsigned c = take_u8(&r);
            if (c == '.' || c == '\\' || c == '"')
                *to++ = '\\';
            if (c <= ' ' || c >= 0x7f)
                to += snprintf(to, 5, "\\%03u", c);
            else
                *to++ = (char)c;
        }
    if (to == text)
        *to++ = '.';
    *to = '\0';
    return text;
}

static const char *write_type(const struct entry *entry, char text[static TYPE_TEXT_MAX])
{
    unsigned place = tally_place_of_type(entry->qtype);
    if (place != 0)
        return tally_type(place);
    snprintf(text, TYPE_TEXT_MAX, "TYPE%u", entry->qtype); // RFC 3597 5
    return text;
}

static void write_entry(struct log *log, const struct entry *entry)
{
    static const char *const limits[] = {[RRL_PASS] = "no", [RRL_SLIP] = "slip", [RRL_DROP] = "drop"};
    char ip[IP_TEXT_MAX], name[NAME_TEXT_MAX], type[TYPE_TEXT_MAX];
    log_write(log, LOG_INFO, "query", LOG_STR("client", entry->has_ip ? ip_write(entry->ip, ip) : NULL),
              LOG_STR("transport", entry->is_udp ? "udp" : "tcp"),
              LOG_STR("name", entry->has_question ? write_name(entry, name) : NULL),
              LOG_STR("type", entry->has_question ? write_type(entry, type) : NULL),
              LOG_STR("rcode", tally_rcode(tally_place_of_rcode(entry->outcome.rcode))),
              LOG_STR("limited", limits[entry->outcome.verdict]));
}

static void drain(struct querylog *self)
{
    for (size_t i = 0; i < self->n_rings; i++) {
        struct querylog_ring *ring = self->rings[i];
        uint64_t n_put = atomic_load_explicit(&ring->n_put, memory_order_acquire);
        uint64_t n_taken = atomic_load_explicit(&ring->n_taken, memory_order_relaxed);
        for (; n_taken < n_put; n_taken++) {
            write_entry(self->log, &ring->entries[n_taken % N_ENTRIES]);
            atomic_store_explicit(&ring->n_taken, n_taken + 1, memory_order_release);
        }
    }
}

static void run(void *argument)
{
    struct querylog *self = argument;
    bool is_stopping = false;
    while (!is_stopping) {
        uv_mutex_lock(&self->mutex);
        if (!self->is_stopping)
            (void)uv_cond_timedwait(&self->stop, &self->mutex, NAP_MS * HISTOGRAM_MS);
        is_stopping = self->is_stopping;
        uv_mutex_unlock(&self->mutex);
        drain(self);
    }
}

// --- Coming and going ---

static enum err make_rings(struct querylog *self, const struct querylog_options *options)
{
    for (; self->n_rings < options->n_rings; self->n_rings++) {
        struct querylog_ring *ring = aligned_alloc(_Alignof(struct querylog_ring), sizeof *ring);
        if (ring == NULL)
            return ERR_MEMORY;
        memset(ring, 0, sizeof *ring);
        ring->n_every = options->n_every;
        self->rings[self->n_rings] = ring;
    }
    return ERR_OK;
}

static void free_all(struct querylog *self)
{
    while (self->n_rings > 0)
        free(self->rings[--self->n_rings]);
    free(self);
}

enum err querylog_open(struct querylog **querylog, const struct querylog_options *options)
{
    struct querylog *self = calloc(1, sizeof *self + options->n_rings * sizeof self->rings[0]);
    if (self == NULL)
        return ERR_MEMORY;
    self->log = options->log;
    enum err err = make_rings(self, options);
    if (err != ERR_OK)
        goto no_mutex;
    err = ERR_SYSTEM;
    if (uv_mutex_init(&self->mutex) != 0)
        goto no_mutex;
    if (uv_cond_init(&self->stop) != 0)
        goto no_cond;
    if (uv_thread_create(&self->thread, run, self) != 0)
        goto no_thread;
    *querylog = self;
    return ERR_OK;

no_thread:
    uv_cond_destroy(&self->stop);
no_cond:
    uv_mutex_destroy(&self->mutex);
no_mutex:
    free_all(self);
    return err;
}

void querylog_close(struct querylog *querylog)
{
    if (querylog == NULL)
        return;
    uv_mutex_lock(&querylog->mutex);
    querylog->is_stopping = true;
    uv_cond_signal(&querylog->stop);
    uv_mutex_unlock(&querylog->mutex);
    uv_thread_join(&querylog->thread);
    uv_cond_destroy(&querylog->stop);
    uv_mutex_destroy(&querylog->mutex);
    free_all(querylog);
}

struct querylog_ring *querylog_ring(struct querylog *querylog, size_t i)
{
    return querylog->rings[i];
}

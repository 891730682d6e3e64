// SPDX-License-Identifier: MIT
// The door between the other threads and the replica's. Changes come through a list under a mutex and one async handle;
// what others may know of the replica stands on the board.
#include "cluster.h"

#include "replica.h"
#include "secret.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { START_MAX_MS = 10000, GUEST_MAX_MS = 3600 * 1000, START_STEP_US = 1000, NAME_MAX_CHARS = 63 };

struct cluster {
    struct counters counters;
    struct store_histograms histograms;
    struct board board;
    struct replica replica;
    struct shared shared;
    uv_thread_t thread;
    uv_async_t mail;

    uv_mutex_t mutex; // guards the two below
    struct changes changes;
    bool is_stopping;
};

static void on_mail(uv_async_t *mail)
{
    struct cluster *self = mail->data;
    uv_mutex_lock(&self->mutex);
    struct changes changes = self->changes;
    self->changes.first = NULL;
    bool is_stopping = self->is_stopping;
    uv_mutex_unlock(&self->mutex);
    if (!changes_are_none(&changes))
        replica_submit(&self->replica, &changes);
    if (!is_stopping)
        return;
    replica_leave(&self->replica);
    uv_close((uv_handle_t *)mail, NULL);
}

static void run(void *context)
{
    struct cluster *self = context;
    replica_run(&self->replica);
}

// A name for people, and a part that no other process has: two replicas under one name would answer for each other.
static void make_id(char id[KEY_REPLICA_MAX + 1], const char *given)
{
    char host[256] = "replica";
    uint32_t random;
    secret_random(&random, sizeof random);
    if (given[0] == 0 && gethostname(host, sizeof host) == 0)
        host[sizeof host - 1] = 0;
    snprintf(id, KEY_REPLICA_MAX + 1, "%.*s-%08x", NAME_MAX_CHARS, given[0] == 0 ? host : given, random);
}

static void set_up(struct cluster *self, const struct store_options *options)
{
    const struct store_cluster *cluster = options->cluster;
    struct replica *replica = &self->replica;
    replica->options = options;
    replica->cluster = cluster;
    replica->counters = &self->counters;
    replica->histograms = &self->histograms;
    replica->copy.commit_ns = &self->histograms.commit_ns;
    replica->board = &self->board;
    replica->shared = &self->shared;
    replica->channel_options = (struct channel_options){.loop = &replica->loop,
                                                        .tls_ca = cluster->tls_ca,
                                                        .tls_cert = cluster->tls_cert,
                                                        .tls_key = cluster->tls_key,
                                                        .connect_ms = cluster->connect_ms};
    make_id(replica->id, cluster->replica_id);
    atomic_init(&self->board.state, STATE_AWAY);
    atomic_init(&self->board.reason, "not yet asked");
    atomic_init(&self->board.touched_ms, BOARD_NEVER);
    atomic_init(&self->board.n_lag, 0);
    atomic_init(&self->board.n_live, 0);
    atomic_init(&self->board.confirmed_ms, BOARD_NEVER);
    atomic_init(&self->board.is_loaded, replica->copy.is_loaded);
    atomic_init(&self->board.is_sound, true);
    atomic_init(&self->board.is_settled, false);
}

// ERR_SYSTEM: there is no thread, and nothing of this is left on the loop once it has run.
static enum err start_thread(struct cluster *self)
{
    if (uv_async_init(&self->replica.loop, &self->mail, on_mail) != 0)
        return ERR_SYSTEM;
    self->mail.data = self;
    if (uv_mutex_init(&self->mutex) == 0) {
        if (uv_thread_create(&self->thread, run, self) == 0)
            return ERR_OK;
        uv_mutex_destroy(&self->mutex);
    }
    uv_close((uv_handle_t *)&self->mail, NULL);
    return ERR_SYSTEM;
}

static void wait_until_settled(const struct cluster *self)
{
    bool is_guest = self->replica.options->is_guest;
    int64_t give_up_ms = board_now_ms() + (is_guest ? GUEST_MAX_MS : START_MAX_MS);
    while (!atomic_load(&self->board.is_settled) && board_now_ms() < give_up_ms)
        usleep(START_STEP_US);
}

static enum err start(struct cluster *self, struct env *env, const struct store_options *options)
{
    enum err err = channel_init();
    if (err == ERR_OK)
        err = shared_open(&self->shared);
    if (err != ERR_OK)
        return err;
    err = copy_open(&self->replica.copy, env, options->cluster->prefix);
    if (err != ERR_OK) {
        shared_close(&self->shared);
        return err;
    }
    set_up(self, options);
    log_write(options->log, LOG_INFO, "cluster.starting", LOG_STR("replica", self->replica.id),
              LOG_STR("prefix", options->cluster->prefix), LOG_INT("endpoints", options->cluster->n_endpoints),
              LOG_INT("copy", self->replica.copy.seen));
    err = replica_open(&self->replica);
    if (err == ERR_OK) {
        err = start_thread(self);
        if (err == ERR_OK)
            return ERR_OK;
        replica_leave(&self->replica);
        replica_run(&self->replica);
    }
    copy_close(&self->replica.copy);
    shared_close(&self->shared);
    return err;
}

enum err cluster_start(struct cluster **cluster, struct env *env, const struct store_options *options)
{
    struct cluster *self = aligned_alloc(_Alignof(struct cluster), sizeof *self);
    if (self != NULL)
        memset(self, 0, sizeof *self);
    enum err err = self == NULL ? ERR_MEMORY : start(self, env, options);
    if (err != ERR_OK) {
        log_write(options->log, LOG_ERROR, "store.refused", LOG_STR("path", options->directory),
                  LOG_STR("step", "cluster"), LOG_ERR(err));
        free(self);
        return err;
    }
    wait_until_settled(self);
    if (options->is_guest && (enum state)atomic_load(&self->board.state) != STATE_IN_STEP) {
        log_write(options->log, LOG_ERROR, "store.refused", LOG_STR("step", "cluster"), LOG_ERR(ERR_UNREACHABLE),
                  LOG_STR("reason", atomic_load(&self->board.reason)));
        cluster_stop(self);
        return ERR_UNREACHABLE;
    }
    *cluster = self;
    return ERR_OK;
}

void cluster_stop(struct cluster *self)
{
    uv_mutex_lock(&self->mutex);
    self->is_stopping = true;
    uv_async_send(&self->mail);
    uv_mutex_unlock(&self->mutex);
    uv_thread_join(&self->thread);
    copy_close(&self->replica.copy);
    shared_close(&self->shared);
    uv_mutex_destroy(&self->mutex);
    free(self);
}

void cluster_submit(struct cluster *self, struct change *change)
{
    uv_mutex_lock(&self->mutex);
    bool is_stopping = self->is_stopping;
    if (!is_stopping) {
        changes_add(&self->changes, change);
        uv_async_send(&self->mail);
    }
    uv_mutex_unlock(&self->mutex);
    if (is_stopping) {
        change->result = ERR_STOPPING;
        change->on_done(change);
    }
}

enum err cluster_share(struct cluster *self, struct bytes text)
{
    enum err err = shared_put(&self->shared, text);
    if (err == ERR_OK)
        uv_async_send(&self->mail);
    return err;
}

enum err cluster_shared(struct cluster *self, uint64_t *version, struct writer *text)
{
    return shared_get(&self->shared, version, text);
}

bool cluster_is_first(const struct cluster *self)
{
    return atomic_load(&self->shared.is_first);
}

const struct counters *cluster_counters(const struct cluster *self)
{
    return &self->counters;
}

bool cluster_is_sound(const struct cluster *self)
{
    return atomic_load_explicit(&self->board.is_sound, memory_order_relaxed);
}

static bool is_longer_ago(int64_t when_ms, int64_t limit_ms)
{
    return when_ms == BOARD_NEVER || board_now_ms() - when_ms > limit_ms;
}

static bool is_stale(const struct cluster *self)
{
    return is_longer_ago(atomic_load(&self->board.touched_ms), 1000ll * self->replica.cluster->stale_s);
}

enum store_fitness cluster_fitness(const struct cluster *self)
{
    if (!atomic_load_explicit(&self->board.is_loaded, memory_order_relaxed))
        return STORE_NOT_LOADED;
    return self->replica.cluster->refuses_stale && is_stale(self) ? STORE_STALE : STORE_FIT;
}

// The clock is read last: the process may have been stopped before, longer than what the board says is good for.
struct store_status cluster_status(const struct cluster *self)
{
    enum state state = (enum state)atomic_load(&self->board.state);
    const char *reason = atomic_load(&self->board.reason);
    int64_t confirmed_ms = atomic_load(&self->board.confirmed_ms);
    int64_t touched_ms = atomic_load(&self->board.touched_ms);
    bool is_overdue = state == STATE_IN_STEP && is_longer_ago(confirmed_ms, replica_grace_ms(self->replica.cluster));
    return (struct store_status){
        .state = state_text(is_overdue ? STATE_AWAY : state),
        .why = state == STATE_IN_STEP ? "etcd has not confirmed it in time" : reason,
        .is_in_step = state == STATE_IN_STEP && !is_overdue,
        .is_stale = is_stale(self),
        .age_ms = touched_ms == BOARD_NEVER ? -1 : board_now_ms() - touched_ms,
        .n_lag = atomic_load(&self->board.n_lag),
        .n_live = atomic_load(&self->board.n_live),
    };
}

const struct store_histograms *cluster_histograms(const struct cluster *self)
{
    return &self->histograms;
}

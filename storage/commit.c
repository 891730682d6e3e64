// SPDX-License-Identifier: MIT
// Group commit. Changes queue in a list under a mutex. The thread takes the whole list (at most BATCH_MAX changes),
// applies all of it in one LMDB transaction and commits once, so one sync to disk serves everybody who waited during
// the sync before: the busier the server, the larger the groups, with no timer and no tuning.
//
// A change that is refused by itself (taken name, unknown account) is answered alone; the rest of its group goes on.
// Another process may have the store open too. LMDB's lock lets one of us write at a time; a process that was killed
// while it read would hold old pages back for ever, so its read slots are freed now and then.
//
// When the transaction as a whole fails, for want of space, say, the group is tried again one by one: what fits is
// kept, and only those that still fail are refused.
#include "commit.h"

#include <stdlib.h>
#include <uv.h>

enum { BATCH_MAX = 1024, CHECK_READERS_S = 10 };

struct committer {
    const struct env *env;
    struct apply_options apply;
    struct log *log;
    uint64_t checked_ns; // when the read slots were looked at
    uv_thread_t thread;
    uv_mutex_t mutex; // guards the four below
    uv_cond_t wake;
    struct change *first;
    struct change **last; // where the next one is hung in
    bool is_stopping;
    _Atomic bool is_sound;
    struct counters counters;
    struct store_histograms histograms;
};

static void note_commit(struct committer *self, uint64_t n_changes, uint64_t ns)
{
    histogram_note(&self->histograms.commit_ns, &histogram_of_ns, ns, 1);
    histogram_note(&self->histograms.changes, &histogram_of_numbers, n_changes, 1);
    count(&self->counters, COUNT_commits);
    count_many(&self->counters, COUNT_changes, n_changes);
    if (!atomic_exchange(&self->is_sound, true))
        log_write(self->log, LOG_INFO, "store.recovered");
}

static void note_failure(struct committer *self, struct change *change, enum err err)
{
    change->result = err;
    atomic_store(&self->is_sound, false);
    count(&self->counters, COUNT_store_errors);
    log_write(self->log, LOG_ERROR, "store.commit_failed", LOG_ERR(err));
}

// One transaction over `n` changes from `first` on. Sets their results; ERR_OK means committed, else nothing was
// written.
static enum err commit_group(struct committer *self, struct change *first, size_t n)
{
    MDB_txn *txn;
    enum err err = env_err(mdb_txn_begin(self->env->mdb, NULL, 0, &txn));
    if (err != ERR_OK)
        return err;
    uint64_t revision;
    err = env_revision(self->env, txn, &revision);
    uint64_t n_applied = 0;
    struct change *change = first;
    for (size_t i = 0; i < n && err == ERR_OK; i++, change = change->next) {
        change->result = store_apply(self->env, txn, change, &self->apply);
        if (change->result == ERR_OK)
            n_applied++;
        else if (!store_apply_is_refusal(change->result))
            err = change->result;
    }
    if (err == ERR_OK)
        err = env_set_revision(self->env, txn, revision + n_applied);
    if (err != ERR_OK || n_applied == 0) {
        mdb_txn_abort(txn);
        return err;
    }
    uint64_t began_ns = uv_hrtime();
    err = env_err(mdb_txn_commit(txn));
    if (err == ERR_OK)
        note_commit(self, n_applied, uv_hrtime() - began_ns);
    return err;
}

static void check_readers(struct committer *self)
{
    int n_dead;
    uint64_t now_ns = uv_hrtime();
    if (now_ns - self->checked_ns < CHECK_READERS_S * 1000000000ull)
        return;
    self->checked_ns = now_ns;
    (void)mdb_reader_check(self->env->mdb, &n_dead);
}

static void commit_one_by_one(struct committer *self, struct change *first, size_t n)
{
    for (size_t i = 0; i < n; i++, first = first->next) {
        enum err err = commit_group(self, first, 1);
        if (err != ERR_OK)
            note_failure(self, first, err);
    }
}

static void commit_all(struct committer *self, struct change *first, size_t n)
{
    check_readers(self);
    enum err err = commit_group(self, first, n);
    if (err != ERR_OK && n == 1)
        note_failure(self, first, err);
    else if (err != ERR_OK)
        commit_one_by_one(self, first, n);
    for (size_t i = 0; i < n; i++) {
        struct change *change = first;
        first = first->next;
        change->on_done(change);
    }
}

// The next group, or 0 changes when the queue is empty and the committer is stopping.
static size_t take_group(struct committer *self, struct change **group)
{
    uv_mutex_lock(&self->mutex);
    while (self->first == NULL && !self->is_stopping)
        uv_cond_wait(&self->wake, &self->mutex);
    *group = self->first;
    size_t n = 0;
    while (self->first != NULL && n < BATCH_MAX) {
        self->first = self->first->next;
        n++;
    }
    if (self->first == NULL)
        self->last = &self->first;
    uv_mutex_unlock(&self->mutex);
    return n;
}

static void run(void *argument)
{
    struct committer *self = argument;
    struct change *group;
    for (size_t n; (n = take_group(self, &group)) > 0;)
        commit_all(self, group, n);
}

enum err commit_start(struct committer **committer, const struct env *env, const struct store_options *options)
{
    struct committer *self = aligned_alloc(_Alignof(struct committer), sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    memset(self, 0, sizeof *self);
    self->env = env;
    self->apply.n_values = options->n_values;
    self->log = options->log;
    self->last = &self->first;
    atomic_init(&self->is_sound, true);
    if (uv_mutex_init(&self->mutex) != 0)
        goto no_mutex;
    if (uv_cond_init(&self->wake) != 0)
        goto no_cond;
    if (uv_thread_create(&self->thread, run, self) != 0)
        goto no_thread;
    *committer = self;
    return ERR_OK;

no_thread:
    uv_cond_destroy(&self->wake);
no_cond:
    uv_mutex_destroy(&self->mutex);
no_mutex:
    free(self);
    return ERR_SYSTEM;
}

void commit_stop(struct committer *self)
{
    uv_mutex_lock(&self->mutex);
    self->is_stopping = true;
    uv_cond_signal(&self->wake);
    uv_mutex_unlock(&self->mutex);
    uv_thread_join(&self->thread);
    uv_cond_destroy(&self->wake);
    uv_mutex_destroy(&self->mutex);
    free(self);
}

void commit_submit(struct committer *self, struct change *change)
{
    change->next = NULL;
    uv_mutex_lock(&self->mutex);
    bool is_stopping = self->is_stopping;
    if (!is_stopping) {
        *self->last = change;
        self->last = &change->next;
        uv_cond_signal(&self->wake);
    }
    uv_mutex_unlock(&self->mutex);
    if (is_stopping) {
        change->result = ERR_STOPPING;
        change->on_done(change);
    }
}

const struct counters *commit_counters(const struct committer *self)
{
    return &self->counters;
}

const struct store_histograms *commit_histograms(const struct committer *self)
{
    return &self->histograms;
}

bool commit_is_sound(const struct committer *self)
{
    return atomic_load_explicit(&self->is_sound, memory_order_relaxed);
}

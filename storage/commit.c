// SPDX-License-Identifier: MIT
// Group commit. Changes queue in a list under a mutex. The thread takes the whole list (at most BATCH_MAX changes),
// applies all of it in one LMDB transaction and commits once, so one sync to disk serves everybody who waited during
// the sync before: the busier the server, the larger the groups, with no timer and no tuning.
//
// A change that is refused by itself (taken name, unknown account) is answered alone; the rest of its group goes on.
// When the transaction as a whole fails for want of space, the group is tried again one by one: what fits is kept, and
// only those that still fail are refused. When it fails for another reason, all of it is refused.
//
// After a failure the store counts as not writable, and whoever watches that may send no more changes. So as long as it
// lasts, every two seconds a transaction that changes nothing is written, to find out when the trouble is over; but not
// when the environment is lost (edit.c), which only a restart mends.
//
// Another process may have the store open too. LMDB's lock lets one of us write at a time; a process that was killed
// while it read would hold old pages back for ever, so its read slots are freed now and then.
#include "commit.h"

#include <stdlib.h>
#include <uv.h>

enum { BATCH_MAX = 1024, CHECK_READERS_S = 10 };
static const uint64_t PROBE_NS = 2000000000;

struct committer {
    struct env *env;
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

// Applies `n` changes from `first` on, and sets their results.
static enum err apply_group(struct committer *self, struct edit *edit, struct change *first, size_t n,
                            uint64_t *n_applied)
{
    uint64_t revision;
    enum err err = edit_get_number(edit, "revision", &revision);
    struct change *change = first;
    for (size_t i = 0; i < n && err == ERR_OK; i++, change = change->next) {
        change->result = store_apply(edit, change, &self->apply);
        if (change->result == ERR_OK)
            (*n_applied)++;
        else if (!store_apply_is_refusal(change->result))
            err = change->result;
    }
    return err == ERR_OK ? edit_put_number(edit, "revision", revision + *n_applied) : err;
}

// One transaction over `n` changes; over none, it rewrites what is there. ERR_OK means committed, else nothing was
// written.
static enum err commit_group(struct committer *self, struct change *first, size_t n)
{
    struct edit edit;
    uint64_t n_applied = 0;
    enum err err = edit_begin(&edit, self->env);
    if (err != ERR_OK)
        return err;
    err = apply_group(self, &edit, first, n, &n_applied);
    if (err != ERR_OK || (n_applied == 0 && n != 0)) {
        edit_abort(&edit);
        return err;
    }
    uint64_t began_ns = uv_hrtime();
    err = edit_commit(&edit);
    if (err == ERR_OK)
        note_commit(self, n_applied, uv_hrtime() - began_ns);
    return err;
}

static void check_readers(struct committer *self)
{
    uint64_t now_ns = uv_hrtime();
    if (now_ns - self->checked_ns < CHECK_READERS_S * 1000000000ull)
        return;
    self->checked_ns = now_ns;
    (void)env_free_dead_readers(self->env);
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
    struct change *change = first;
    if (err == ERR_FULL && n > 1)
        commit_one_by_one(self, first, n);
    else
        for (size_t i = 0; i < n && err != ERR_OK; i++, change = change->next)
            note_failure(self, change, err);
    for (size_t i = 0; i < n; i++) {
        change = first;
        first = first->next;
        change->on_done(change);
    }
}

// Waits for changes, or for the time to try whether the store is writable again.
static void wait_for_changes(struct committer *self)
{
    bool is_waiting = true;
    while (self->first == NULL && !self->is_stopping && is_waiting) {
        if (commit_is_sound(self) || self->env->is_lost)
            uv_cond_wait(&self->wake, &self->mutex);
        else
            is_waiting = uv_cond_timedwait(&self->wake, &self->mutex, PROBE_NS) == 0;
    }
}

// The next group, which may be empty as long as the store is not writable. False: the queue is empty and the committer
// is stopping.
static bool take_group(struct committer *self, struct change **group, size_t *n)
{
    uv_mutex_lock(&self->mutex);
    wait_for_changes(self);
    *group = self->first;
    *n = 0;
    while (self->first != NULL && *n < BATCH_MAX) {
        self->first = self->first->next;
        (*n)++;
    }
    if (self->first == NULL)
        self->last = &self->first;
    bool is_over = *n == 0 && self->is_stopping;
    uv_mutex_unlock(&self->mutex);
    return !is_over;
}

static void run(void *argument)
{
    struct committer *self = argument;
    struct change *group;
    for (size_t n; take_group(self, &group, &n);) {
        if (n != 0)
            commit_all(self, group, n);
        else
            (void)!commit_group(self, NULL, 0); // that it fails has been told
    }
}

enum err commit_start(struct committer **committer, struct env *env, const struct store_options *options)
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

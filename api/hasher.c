// SPDX-License-Identifier: MIT
// A bounded queue under a mutex, and threads that take from it. They are not libuv's pool, which the loop needs for
// other things, and they can be told apart from the threads that answer DNS: each sets itself to nice 10 and
// SCHED_BATCH, so a thread that answers DNS runs as soon as it is woken, and on a machine with all cores busy password
// checks still get a tenth of one. On Linux both are properties of a thread, although POSIX says process. A kernel or a
// sandbox that refuses is no reason not to serve.
//
// argon2 takes its megabytes anew for each hash. That is cheap after the first: glibc raises its mmap threshold when
// such a block is freed, and serves the next from memory that is already mapped.
#include "hasher.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICENESS = 10, STACK_BYTES = 256 * 1024 };

struct hasher {
    struct inbox *inbox;
    struct secret_cost cost;
    size_t n_queue;

    pthread_mutex_t mutex; // guards what follows
    pthread_cond_t is_work;
    struct hash_job *first;
    struct hash_job **last;
    size_t n_waiting;
    struct histogram wait_ns; // read without the mutex
    bool is_cancelled;
    bool is_stopping;

    size_t n_threads;
    pthread_t threads[];
};

static void lower_priority(void)
{
    const struct sched_param none = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
}

static void run_job(const struct hasher *hasher, struct hash_job *job)
{
    struct bytes password = bytes_of_text(job->password);
    if (job->kind == HASH_MAKE)
        job->result = secret_hash(&hasher->cost, password, job->hash);
    else
        job->result = secret_verify(job->hash, password);
}

static struct hash_job *wait_for_job(struct hasher *hasher)
{
    pthread_mutex_lock(&hasher->mutex);
    while (hasher->first == NULL && !hasher->is_stopping)
        pthread_cond_wait(&hasher->is_work, &hasher->mutex);
    struct hash_job *job = hasher->first;
    if (job != NULL) {
        hasher->first = job->next;
        hasher->n_waiting--;
        histogram_note(&hasher->wait_ns, &histogram_of_ns, uv_hrtime() - job->submitted_ns, 1);
        if (hasher->first == NULL)
            hasher->last = &hasher->first;
    }
    pthread_mutex_unlock(&hasher->mutex);
    return job;
}

static void *run_thread(void *arg)
{
    struct hasher *hasher = arg;
    lower_priority();
    for (struct hash_job *job; (job = wait_for_job(hasher)) != NULL;) {
        run_job(hasher, job);
        inbox_post(hasher->inbox, &job->letter);
    }
    return NULL;
}

// Signals are the main thread's business, so they are blocked before a thread is made and it inherits that.
static int start_thread(struct hasher *hasher, pthread_t *thread)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return -1;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(thread, &attributes, run_thread, hasher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}

enum err hasher_start(struct hasher **hasher, const struct hasher_options *options)
{
    assert(options->n_threads > 0);
    struct hasher *self = calloc(1, sizeof *self + options->n_threads * sizeof self->threads[0]);
    if (self == NULL)
        return ERR_MEMORY;
    self->inbox = options->inbox;
    self->cost = options->cost;
    self->n_queue = options->n_queue;
    self->last = &self->first;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->is_work, NULL);
    for (; self->n_threads < options->n_threads; self->n_threads++) {
        if (start_thread(self, &self->threads[self->n_threads]) != 0) {
            hasher_stop(self);
            return ERR_SYSTEM;
        }
    }
    *hasher = self;
    return ERR_OK;
}

enum err hasher_submit(struct hasher *hasher, struct hash_job *job)
{
    enum err err = ERR_OK;
    pthread_mutex_lock(&hasher->mutex);
    if (hasher->is_cancelled) {
        err = ERR_STOPPING;
    } else if (hasher->n_waiting == hasher->n_queue) {
        err = ERR_BUSY;
    } else {
        job->next = NULL;
        job->submitted_ns = uv_hrtime();
        *hasher->last = job;
        hasher->last = &job->next;
        hasher->n_waiting++;
        pthread_cond_signal(&hasher->is_work);
    }
    pthread_mutex_unlock(&hasher->mutex);
    return err;
}

size_t hasher_n_waiting(struct hasher *hasher)
{
    pthread_mutex_lock(&hasher->mutex);
    size_t n = hasher->n_waiting;
    pthread_mutex_unlock(&hasher->mutex);
    return n;
}

const struct histogram *hasher_wait_ns(const struct hasher *hasher)
{
    return &hasher->wait_ns;
}

void hasher_cancel(struct hasher *hasher)
{
    pthread_mutex_lock(&hasher->mutex);
    struct hash_job *jobs = hasher->first;
    hasher->first = NULL;
    hasher->last = &hasher->first;
    hasher->n_waiting = 0;
    hasher->is_cancelled = true;
    pthread_mutex_unlock(&hasher->mutex);
    for (struct hash_job *next; jobs != NULL; jobs = next) {
        next = jobs->next;
        jobs->result = ERR_STOPPING;
        inbox_post(hasher->inbox, &jobs->letter);
    }
}

void hasher_stop(struct hasher *hasher)
{
    if (hasher == NULL)
        return;
    pthread_mutex_lock(&hasher->mutex);
    assert(hasher->first == NULL);
    hasher->is_stopping = true;
    pthread_cond_broadcast(&hasher->is_work);
    pthread_mutex_unlock(&hasher->mutex);
    for (size_t i = 0; i < hasher->n_threads; i++)
        pthread_join(hasher->threads[i], NULL);
    pthread_cond_destroy(&hasher->is_work);
    pthread_mutex_destroy(&hasher->mutex);
    free(hasher);
}

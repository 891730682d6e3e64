// SPDX-License-Identifier: MIT
// The loop sleeps until etcd, a timer or the mailbox has something. Whoever is woken only notes what has come; the
// turn, just before the loop sleeps again, draws the conclusions: what the watch brought is committed at once and with
// one sync, however many messages it was; then it is seen whether that puts the replica in step, whether changes may be
// acknowledged, whether others wait for our word, and whether changes wait to be sent.
//
// A session that is lost is replaced at once by one with the next member. When all members have failed in a row, the
// pauses between attempts grow up to PAUSE_MAX_MS. They do not grow further, as nobody is helped by a replica that
// comes back late.
#include "replica.h"

#include "secret.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MIN_MS = 100, PAUSE_MAX_MS = 1000, SWEEP_MS = 50 };

// -- States
// -----------------------------------------------------------------------------------------------------------------

// Attempts that fail one after another for the same reason are worth one line.
static enum log_level level_of(struct replica *replica, enum state to, const char *reason)
{
    bool is_news = to == STATE_IN_STEP || replica->state == STATE_IN_STEP || to == STATE_LEAVING ||
                   (to == STATE_AWAY && replica->told != reason);
    if (to == STATE_AWAY)
        replica->told = reason;
    else if (to == STATE_IN_STEP)
        replica->told = NULL;
    return is_news ? LOG_INFO : LOG_DEBUG;
}

void replica_go(struct replica *replica, enum state state, const char *reason, const char *detail)
{
    enum state from = replica->state;
    assert(state_may_follow(from, state));
    enum log_level level = level_of(replica, state, reason);
    replica->state = state;
    if (from == STATE_IN_STEP)
        replica->out_of_step_ms = uv_now(&replica->loop);
    if (state == STATE_IN_STEP) {
        replica->n_failures = 0;
        atomic_store(&replica->board->is_settled, true);
        count(replica->counters, COUNT_cluster_in_step);
    }
    if (state == STATE_AWAY || from == STATE_IN_STEP) // the attempts to get back do not hide why they are made
        atomic_store(&replica->board->reason, reason);
    atomic_store(&replica->board->state, (int)state);
    count(replica->counters, COUNT_cluster_states);
    log_write(replica->options->log, level, "cluster.state", LOG_STR("from", state_text(from)),
              LOG_STR("to", state_text(state)), LOG_STR("reason", reason), LOG_STR("detail", detail),
              LOG_STR("endpoint", replica->endpoints[replica->endpoint]), LOG_INT("revision", replica->copy.seen));
}

static void on_retry(uv_timer_t *timer)
{
    session_start(timer->data);
}

// 0 until every member has been tried.
static uint64_t pause_ms(const struct replica *replica)
{
    size_t n = replica->cluster->n_endpoints;
    if (replica->n_failures < n)
        return 0;
    unsigned round = (unsigned)(replica->n_failures / n) - 1;
    uint64_t pause = round > 3 ? PAUSE_MAX_MS : (uint64_t)PAUSE_MIN_MS << round;
    return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

void replica_lose(struct replica *replica, const char *reason, const char *detail)
{
    if (replica->state == STATE_AWAY || replica->state == STATE_LEAVING)
        return;
    replica_go(replica, STATE_AWAY, reason, detail);
    count(replica->counters, COUNT_cluster_endpoint_failures);
    channel_close(replica->channel);
    replica->channel = NULL;
    uv_timer_stop(&replica->beat);
    presence_reset(replica);
    watch_reset(replica);
    batch_reset(replica);
    shared_reset(replica->shared);
    replica->endpoint = (replica->endpoint + 1) % replica->cluster->n_endpoints;
    replica->n_failures++;
    if (replica->n_failures >= replica->cluster->n_endpoints)
        atomic_store(&replica->board->is_settled, true);
    uv_timer_start(&replica->retry, on_retry, pause_ms(replica), 0);
}

void replica_reload(struct replica *replica, const char *reason, const char *detail)
{
    replica->must_load = true;
    replica_lose(replica, reason, detail);
}

void replica_fail_copy(struct replica *replica, enum err err)
{
    count(replica->counters, COUNT_store_errors);
    if (atomic_exchange(&replica->board->is_sound, false))
        log_write(replica->options->log, LOG_ERROR, "store.commit_failed", LOG_ERR(err));
    replica_reload(replica, "the copy cannot be written", err_text(err));
}

// The token is unknown to this member, or has had its time, or was made before the rights were changed.
static bool is_token_refused(const struct replica *replica, const struct outcome *outcome)
{
    if (replica->cluster->username[0] == 0 || replica->state == STATE_SIGNING_IN)
        return false;
    return outcome->code == GRPC_UNAUTHENTICATED ||
           (outcome->code == GRPC_INVALID_ARGUMENT && (strstr(outcome->text, "user name is empty") != NULL ||
                                                       strstr(outcome->text, "revision of auth store is old") != NULL));
}

static const char *reason_of(const struct outcome *outcome)
{
    if (outcome->is_local)
        return outcome->code == GRPC_DEADLINE_EXCEEDED ? "etcd does not answer" : "etcd cannot be reached";
    switch (outcome->code) {
    case GRPC_UNAVAILABLE:
    case GRPC_DEADLINE_EXCEEDED:
        return "etcd is not available";
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
    case GRPC_INVALID_ARGUMENT:
        return "etcd refuses access";
    case GRPC_RESOURCE_EXHAUSTED:
        return "etcd is full or overloaded";
    case GRPC_OUT_OF_RANGE:
        return "the snapshot's revision was compacted";
    default:
        return "etcd gave an unexpected answer";
    }
}

void replica_fail(struct replica *replica, const struct outcome *outcome)
{
    if (is_token_refused(replica, outcome)) {
        free(replica->token);
        replica->token = NULL;
        replica_lose(replica, "the token was refused", outcome->text);
    } else {
        replica_lose(replica, reason_of(outcome), outcome->text);
    }
}

void replica_call(struct replica *replica, const char *path, const ProtobufCMessage *message,
                  void (*on_end)(void *, const struct outcome *))
{
    const struct call call = {.path = path,
                              .message = message,
                              .token = replica->token,
                              .timeout_ms = replica->cluster->request_ms,
                              .on_end = on_end,
                              .context = replica};
    if (replica->channel != NULL && channel_call(replica->channel, &call) != ERR_OK)
        replica_lose(replica, "out of memory", NULL);
}

// -- Turns
// ------------------------------------------------------------------------------------------------------------------

uint64_t replica_patience_ms(const struct replica *replica)
{
    return 2ull * replica->cluster->request_ms;
}

int64_t replica_grace_ms(const struct store_cluster *cluster)
{
    return 1000ll * cluster->lease_s / 2;
}

// A replica that has been out of step for longer than a change may wait does not let new ones wait at all.
static void end_late(struct replica *replica)
{
    struct changes late = {0};
    uint64_t now_ms = uv_now(&replica->loop);
    if (replica->state != STATE_IN_STEP && now_ms - replica->out_of_step_ms > replica_patience_ms(replica))
        changes_append(&late, &replica->queue);
    else
        changes_sift_late(&replica->queue, now_ms, &late);
    count_many(replica->counters, COUNT_cluster_unreachable, changes_n(&late));
    changes_end(&late, ERR_UNREACHABLE);
    batch_end_late(replica, now_ms);
    barrier_end_late(replica, now_ms);
}

static bool has_changes(const struct replica *replica)
{
    return !changes_are_none(&replica->queue) || !changes_are_none(&replica->waiting) || replica->batch != NULL;
}

static void on_sweep(uv_timer_t *timer)
{
    struct replica *replica = timer->data;
    end_late(replica);
    if (!has_changes(replica))
        uv_timer_stop(timer);
}

// What the watch says is newer than what the last look found, as long as the watch is not behind.
static void tell_lag(const struct replica *replica)
{
    uint64_t looked = replica->presence.looked, seen = replica->copy.seen;
    bool is_ahead = looked != UINT64_MAX && looked > seen;
    atomic_store_explicit(&replica->board->n_lag, is_ahead ? looked - seen : 0, memory_order_relaxed);
    atomic_store_explicit(&replica->board->n_live, replica->live.n, memory_order_relaxed);
}

static void on_turn(uv_prepare_t *turn)
{
    struct replica *replica = turn->data;
    if (!watch_commit(replica))
        return;
    presence_turn(replica);
    tell_lag(replica);
    barrier_turn(replica);
    batch_turn(replica);
    shared_turn(replica);
    if (has_changes(replica) && !uv_is_active((uv_handle_t *)&replica->sweep))
        uv_timer_start(&replica->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

void replica_submit(struct replica *replica, struct changes *changes)
{
    if (replica->state == STATE_LEAVING) {
        changes_end(changes, ERR_STOPPING);
        return;
    }
    uint64_t deadline_ms = uv_now(&replica->loop) + replica_patience_ms(replica);
    for (struct change *change = changes->first; change != NULL; change = change->next) {
        change->deadline_ms = deadline_ms;
        change->revision = 0;
    }
    changes_append(&replica->queue, changes);
    end_late(replica);
}

// -- From the first to the last
// ---------------------------------------------------------------------------------------------

// Members are asked in an order of our own, so that replicas spread over them.
static void shuffle(const char **endpoints, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        uint32_t random;
        secret_random(&random, sizeof random);
        size_t j = random % i;
        const char *other = endpoints[i - 1];
        endpoints[i - 1] = endpoints[j];
        endpoints[j] = other;
    }
}

static enum err copy_endpoints(struct replica *replica)
{
    size_t n = replica->cluster->n_endpoints;
    replica->endpoints = calloc(n, sizeof *replica->endpoints);
    if (replica->endpoints == NULL)
        return ERR_MEMORY;
    memcpy(replica->endpoints, replica->cluster->endpoints, n * sizeof *replica->endpoints);
    shuffle(replica->endpoints, n);
    return ERR_OK;
}

enum err replica_open(struct replica *replica)
{
    enum err err = copy_endpoints(replica);
    if (err != ERR_OK)
        return err;
    if (uv_loop_init(&replica->loop) != 0) {
        free(replica->endpoints);
        return ERR_SYSTEM;
    }
    uv_prepare_init(&replica->loop, &replica->turn);
    uv_timer_init(&replica->loop, &replica->retry);
    uv_timer_init(&replica->loop, &replica->beat);
    uv_timer_init(&replica->loop, &replica->sweep);
    replica->turn.data = replica->retry.data = replica->beat.data = replica->sweep.data = replica;
    uv_prepare_start(&replica->turn, on_turn);
    replica->out_of_step_ms = uv_now(&replica->loop);
    uv_timer_start(&replica->retry, on_retry, 0, 0);
    return ERR_OK;
}

static void close_all(struct replica *replica)
{
    channel_close(replica->channel);
    uv_close((uv_handle_t *)&replica->turn, NULL);
    uv_close((uv_handle_t *)&replica->retry, NULL);
    uv_close((uv_handle_t *)&replica->beat, NULL);
    uv_close((uv_handle_t *)&replica->sweep, NULL);
}

static void on_left(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (outcome->code == GRPC_OK && copy_keep_lease(&replica->copy, 0, replica->id) != ERR_OK)
        log_write(replica->options->log, LOG_WARN, "cluster.lease_kept");
    close_all(replica);
}

// On a channel of its own, so that nothing else comes in any more.
static enum err say_farewell(struct replica *replica)
{
    enum err err = channel_open(&replica->channel, &replica->channel_options);
    return err == ERR_OK ? word_farewell(replica, replica->id, replica->presence.lease, on_left) : err;
}

void replica_leave(struct replica *replica)
{
    bool has_lease = replica->channel != NULL && replica->presence.lease != 0;
    replica_go(replica, STATE_LEAVING, "the server stops", NULL);
    channel_close(replica->channel);
    replica->channel = NULL;
    uv_prepare_stop(&replica->turn);
    uv_timer_stop(&replica->retry);
    uv_timer_stop(&replica->beat);
    watch_reset(replica);
    batch_reset(replica);
    changes_end(&replica->queue, ERR_STOPPING);
    changes_end(&replica->waiting, ERR_STOPPING);
    if (!has_lease || say_farewell(replica) != ERR_OK)
        close_all(replica);
}

void replica_run(struct replica *replica)
{
    uv_run(&replica->loop, UV_RUN_DEFAULT);
    int status = uv_loop_close(&replica->loop);
    assert(status == 0);
    (void)status;
    live_free(&replica->live);
    free(replica->token);
    free(replica->endpoints);
}

// SPDX-License-Identifier: MIT
// A replica is live while PREFIX/live/ID exists. The key hangs on a lease, so it goes when the replica no longer renews
// that; its value is the revision up to which everything is applied here. What that is good for: barrier.c.
//
// To become live is to announce oneself and then to wait until the announcement comes by in the watch: whatever was
// acknowledged before it without asking us has then been applied, and whoever acknowledges something later asks us.
//
// A guest is never live, so nobody waits for it; it is in step when it has seen all that a first look found.
//
// Announcements are made for others who wait: only after changes that were not our own, one at a time, and each says
// the newest. A hundred changes that come by during one announcement make one more.
//
// The heart beat asks two things of the member. One is to renew the lease. The other is a linearizable look at two
// keys. PREFIX/data/last tells that the member is there, that it is with the majority, and how old our copy is: a copy
// that has seen the revision found there was complete when the question was asked. Our own key under our own lease
// tells that the others waited for us when the question was asked.
//
// Our key's end is learned from whatever tells it first: the watch, such a look, the renewal or an announcement that
// finds no lease. Then we are not in step, get another lease and announce ourselves again.
#include "replica.h"

enum { BEAT_MAX_MS = 1000, BEATS_PER_GRACE = 4 };
enum { LOOK_LAST, LOOK_OWN, N_LOOKS };

static void end_presence(struct replica *replica, const char *reason)
{
    replica->presence.lease = 0;
    replica->presence.confirm = replica->presence.own_said = 0;
    if (replica->state == STATE_IN_STEP)
        replica_go(replica, STATE_CATCHING_UP, reason, NULL);
    count(replica->counters, COUNT_cluster_leases_lost);
}

// The others waited for us at this time, and all that they did not wait for is applied here.
static void confirm(struct replica *replica, int64_t when_ms)
{
    if (when_ms > atomic_load(&replica->board->confirmed_ms))
        atomic_store(&replica->board->confirmed_ms, when_ms);
}

// -- The lease
// ----------------------------------------------------------------------------------------------------------------

static void on_granted(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    replica->presence.is_granting = false;
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__LeaseGrantResponse *answer =
        etcd__lease_grant_response__unpack(NULL, outcome->message.n, outcome->message.at);
    replica->presence.lease = answer == NULL ? 0 : answer->id;
    etcd__lease_grant_response__free_unpacked(answer, NULL);
    if (replica->presence.lease == 0) {
        replica_lose(replica, "etcd gave an unexpected answer", "no lease");
        return;
    }
    enum err err = copy_keep_lease(&replica->copy, replica->presence.lease, replica->id);
    if (err != ERR_OK)
        replica_fail_copy(replica, err);
}

static void grant(struct replica *replica)
{
    Etcd__LeaseGrantRequest request = ETCD__LEASE_GRANT_REQUEST__INIT;
    request.ttl = (replica->cluster->lease_s + 1) / 2; // etcd makes it longer when it is too short for its elections
    replica->presence.is_granting = true;
    replica_call(replica, "/etcdserverpb.Lease/LeaseGrant", &request.base, on_granted);
}

static void on_old_gone(void *context, const struct outcome *outcome)
{
    (void)context;
    (void)outcome; // it may be gone already, or go by itself in time
}

// The process before this one was killed and could not give its lease back: nobody should wait for it any longer.
static void bury_old(struct replica *replica)
{
    int64_t lease = replica->copy.lease;
    replica->copy.lease = 0;
    if (word_farewell(replica, replica->copy.replica, lease, on_old_gone) != ERR_OK)
        replica_lose(replica, "out of memory", NULL);
}

// -- Announcements
// ------------------------------------------------------------------------------------------------------------

// Whether our key ended after this announcement, or between it and the one before: then the word is worth nothing.
static bool was_gone(const struct replica *replica, uint64_t revision)
{
    uint64_t gone = replica->presence.own_gone, said = replica->presence.own_said;
    return gone > revision || (said != 0 && gone > said);
}

static void take_announced(struct replica *replica, uint64_t revision)
{
    if (was_gone(replica, revision)) {
        end_presence(replica, "the key has gone");
        return;
    }
    replica->presence.own_said = revision;
    if (replica->presence.confirm != 0)
        return;
    replica->presence.confirm = revision;
    replica->presence.confirm_ms = replica->presence.said_ms;
}

static void on_announced(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    replica->presence.is_announcing = false;
    if (replica->presence.said_lease != replica->presence.lease) // it is not worth anything any more
        return;
    if (outcome->code == GRPC_NOT_FOUND) { // the lease
        end_presence(replica, "the lease has ended");
        return;
    }
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__TxnResponse *answer = etcd__txn_response__unpack(NULL, outcome->message.n, outcome->message.at);
    uint64_t revision = answer == NULL || answer->header == NULL ? 0 : (uint64_t)answer->header->revision;
    etcd__txn_response__free_unpacked(answer, NULL);
    if (revision == 0)
        replica_lose(replica, "etcd gave an unexpected answer", "no revision");
    else
        take_announced(replica, revision);
}

static void announce(struct replica *replica)
{
    replica->presence.is_announcing = true;
    replica->presence.is_wanted = false;
    replica->presence.said_lease = replica->presence.lease;
    replica->presence.said_ms = board_now_ms();
    count(replica->counters, COUNT_cluster_announcements);
    word_announce(replica, replica->presence.confirm == 0, on_announced);
}

// While an announcement is under way it is not known which of the two was first; its answer tells.
void presence_on_gone(struct replica *replica, uint64_t revision)
{
    replica->presence.own_gone = revision;
    if (!replica->presence.is_announcing && replica->presence.own_said != 0 && revision > replica->presence.own_said)
        end_presence(replica, "the key has gone");
}

// All that etcd held at this time is applied here.
static void touch(struct replica *replica, int64_t when_ms)
{
    atomic_store(&replica->board->touched_ms, when_ms);
}

// Draws conclusions from the revision that the copy has reached.
static void take_stock(struct replica *replica)
{
    uint64_t seen = replica->copy.seen;
    if (replica->presence.is_looking && seen >= replica->presence.looked) {
        touch(replica, replica->presence.looked_ms);
        replica->presence.is_looking = false;
        replica->presence.has_looked = true;
    }
    bool is_guest = replica->options->is_guest;
    if (is_guest && replica->state == STATE_CATCHING_UP && replica->watch.is_created && replica->presence.has_looked)
        replica_go(replica, STATE_IN_STEP, "all there was is applied", NULL);
    if (replica->state == STATE_CATCHING_UP && replica->presence.confirm != 0 && seen >= replica->presence.confirm) {
        touch(replica, replica->presence.confirm_ms);
        confirm(replica, replica->presence.confirm_ms);
        replica_go(replica, STATE_IN_STEP, "the announcement has come by", NULL);
    }
}

void presence_turn(struct replica *replica)
{
    if (replica->state != STATE_CATCHING_UP && replica->state != STATE_IN_STEP)
        return;
    take_stock(replica);
    if (replica->options->is_guest)
        return;
    bool is_wanted = replica->presence.confirm == 0 || replica->presence.is_wanted;
    if (replica->presence.lease == 0 && !replica->presence.is_granting)
        grant(replica);
    else if (replica->presence.lease != 0 && replica->watch.is_created && !replica->presence.is_announcing && is_wanted)
        announce(replica);
}

// -- The heart beat
// ------------------------------------------------------------------------------------------------------------

static void on_renewed(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__LeaseKeepAliveResponse *answer =
        etcd__lease_keep_alive_response__unpack(NULL, outcome->message.n, outcome->message.at);
    bool is_gone = answer == NULL || (answer->ttl <= 0 && answer->id == replica->presence.lease);
    etcd__lease_keep_alive_response__free_unpacked(answer, NULL);
    if (is_gone)
        end_presence(replica, "the lease has ended");
}

static void renew(struct replica *replica)
{
    Etcd__LeaseKeepAliveRequest request = ETCD__LEASE_KEEP_ALIVE_REQUEST__INIT;
    request.id = replica->presence.lease;
    replica_call(replica, "/etcdserverpb.Lease/LeaseKeepAlive", &request.base, on_renewed);
}

// What one of the look's questions has found; a null pointer: nothing.
static const Etcd__KeyValue *found(const Etcd__TxnResponse *answer, size_t i)
{
    const Etcd__ResponseOp *op = answer->responses[i];
    bool has_one = op->response_case == ETCD__RESPONSE_OP__RESPONSE_RESPONSE_RANGE && op->response_range->n_kvs == 1;
    return has_one ? op->response_range->kvs[0] : NULL;
}

static void take_look(struct replica *replica, const Etcd__TxnResponse *answer)
{
    const Etcd__KeyValue *last = found(answer, LOOK_LAST), *own = found(answer, LOOK_OWN);
    int64_t lease = replica->presence.looked_lease;
    replica->presence.looked = last == NULL ? 0 : (uint64_t)last->mod_revision;
    if (lease == 0 || lease != replica->presence.lease) // not yet there, or not any more
        return;
    if (own == NULL || own->lease != lease)
        end_presence(replica, "the key has gone");
    else if (replica->state == STATE_IN_STEP)
        confirm(replica, replica->presence.looked_ms);
}

static void on_looked(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__TxnResponse *answer = etcd__txn_response__unpack(NULL, outcome->message.n, outcome->message.at);
    if (answer == NULL || answer->header == NULL || answer->n_responses != N_LOOKS)
        replica_lose(replica, "etcd gave an unexpected answer", "to a look");
    else if (answer->header->cluster_id != replica->copy.cluster)
        replica_lose(replica, "etcd gave an unexpected answer", "another cluster");
    else
        take_look(replica, answer);
    etcd__txn_response__free_unpacked(answer, NULL);
}

// A transaction that only reads is linearizable and costs no write.
static void look(struct replica *replica)
{
    struct key_text keys[N_LOOKS] = {[LOOK_LAST] = key_of_last(replica->cluster->prefix),
                                     [LOOK_OWN] = key_of_live(replica->cluster->prefix, replica->id)};
    Etcd__RangeRequest ranges[N_LOOKS];
    Etcd__RequestOp ops[N_LOOKS], *list[N_LOOKS];
    Etcd__TxnRequest request = ETCD__TXN_REQUEST__INIT;
    for (size_t i = 0; i < N_LOOKS; i++) {
        ranges[i] = (Etcd__RangeRequest)ETCD__RANGE_REQUEST__INIT;
        ranges[i].key = (ProtobufCBinaryData){keys[i].n, (uint8_t *)keys[i].at};
        ranges[i].keys_only = true;
        ops[i] = (Etcd__RequestOp)ETCD__REQUEST_OP__INIT;
        ops[i].request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_RANGE;
        ops[i].request_range = &ranges[i];
        list[i] = &ops[i];
    }
    request.success = list;
    request.n_success = N_LOOKS;
    replica->presence.is_looking = true;
    replica->presence.looked = UINT64_MAX; // until the answer says
    replica->presence.looked_lease = replica->presence.own_said == 0 ? 0 : replica->presence.lease;
    replica->presence.looked_ms = board_now_ms();
    replica_call(replica, "/etcdserverpb.KV/Txn", &request.base, on_looked);
}

// The watch owes us something, and nothing comes.
static bool is_watch_silent(const struct replica *replica)
{
    uint64_t seen = replica->watch.seen;
    bool is_look_answered = replica->presence.is_looking && replica->presence.looked != UINT64_MAX;
    bool is_owing = !replica->watch.is_created || replica->presence.confirm > seen ||
                    (is_look_answered && replica->presence.looked > seen);
    return is_owing && replica->watch.heard_ms + replica->cluster->request_ms < uv_now(&replica->loop);
}

// Those who have been waited for in vain. Should the word be lost with the session, their marks are found again.
static void bury_gone(struct replica *replica)
{
    char id[KEY_REPLICA_MAX + 1];
    int64_t then_ms = board_now_ms() - replica_grace_ms(replica->cluster);
    while (replica->channel != NULL && live_take_gone(&replica->live, then_ms, id))
        word_bury(replica, id);
}

static void on_beat(uv_timer_t *timer)
{
    struct replica *replica = timer->data;
    if (is_watch_silent(replica)) {
        replica_lose(replica, "the watch is silent", NULL);
        return;
    }
    if (replica->presence.lease != 0)
        renew(replica);
    if (replica->channel != NULL && !replica->presence.is_looking)
        look(replica);
    bury_gone(replica);
}

void presence_start(struct replica *replica)
{
    uint64_t beat_ms = (uint64_t)replica_grace_ms(replica->cluster) / BEATS_PER_GRACE;
    if (beat_ms > BEAT_MAX_MS)
        beat_ms = BEAT_MAX_MS;
    if (replica->channel == NULL) // lost on the way here
        return;
    uv_timer_start(&replica->beat, on_beat, beat_ms, beat_ms);
    if (replica->copy.lease != 0)
        bury_old(replica);
    if (replica->presence.lease != 0)
        renew(replica);
    if (replica->options->is_guest && replica->channel != NULL)
        look(replica);
}

void presence_reset(struct replica *replica)
{
    replica->presence.is_granting = replica->presence.is_announcing = false;
    replica->presence.is_wanted = replica->presence.is_looking = replica->presence.has_looked = false;
    replica->presence.confirm = replica->presence.own_said = replica->presence.own_gone = 0;
}

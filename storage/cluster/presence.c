// SPDX-License-Identifier: MIT
// A replica is live while PREFIX/live/ID exists. The key hangs on a lease, so it goes when the replica no longer renews
// that; its value is the revision up to which everything is applied here.
//
// To become live is to announce oneself and then to wait until the announcement comes by in the watch: whatever was
// acknowledged before it without asking us has then been applied, and whoever acknowledges something later asks us.
//
// A guest is never live, so nobody waits for it; it is in step when it has seen all that a first look found.
//
// Announcements are made for others who wait: only after changes that were not our own, one at a time, and each says
// the newest. A hundred changes that come by during one announcement make one more.
//
// The heart beat asks two things of the member. One is to renew the lease. The other is a linearizable look at
// PREFIX/data/last, which tells three things at once: that the member is there, that it is with the majority, and how
// old our copy is. A copy that has seen the revision found there was complete when the question was asked.
#include "replica.h"

#include <inttypes.h>
#include <stdio.h>

enum { BEAT_MAX_MS = 1000, BEATS_PER_LEASE = 4 };

void presence_end(struct replica *replica, const char *reason)
{
    replica->presence.lease = 0;
    replica->presence.confirm = 0;
    if (replica->state == STATE_IN_STEP)
        replica_go(replica, STATE_CATCHING_UP, reason, NULL);
    count(replica->counters, COUNT_cluster_leases_lost);
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
    enum err err = copy_keep_lease(&replica->copy, replica->presence.lease);
    if (err != ERR_OK)
        replica_fail_copy(replica, err);
}

static void grant(struct replica *replica)
{
    Etcd__LeaseGrantRequest request = ETCD__LEASE_GRANT_REQUEST__INIT;
    request.ttl = replica->cluster->lease_s;
    replica->presence.is_granting = true;
    replica_call(replica, "/etcdserverpb.Lease/LeaseGrant", &request.base, on_granted);
}

static void on_old_revoked(void *context, const struct outcome *outcome)
{
    (void)context;
    (void)outcome; // it may be gone already, or go by itself in time
}

// The process before this one was killed and could not give its lease back: nobody should wait for it any longer.
static void revoke_old(struct replica *replica)
{
    Etcd__LeaseRevokeRequest request = ETCD__LEASE_REVOKE_REQUEST__INIT;
    request.id = replica->copy.lease;
    replica->copy.lease = 0;
    replica_call(replica, "/etcdserverpb.Lease/LeaseRevoke", &request.base, on_old_revoked);
}

// -- Announcements
// ------------------------------------------------------------------------------------------------------------

static void on_announced(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    replica->presence.is_announcing = false;
    if (outcome->code == GRPC_NOT_FOUND) { // the lease
        presence_end(replica, "the lease has ended");
        return;
    }
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__PutResponse *answer = etcd__put_response__unpack(NULL, outcome->message.n, outcome->message.at);
    uint64_t revision = answer == NULL || answer->header == NULL ? 0 : (uint64_t)answer->header->revision;
    etcd__put_response__free_unpacked(answer, NULL);
    replica->presence.own_said = revision;
    if (replica->presence.confirm == 0)
        replica->presence.confirm = revision;
    if (revision == 0)
        replica_lose(replica, "etcd gave an unexpected answer", "no revision");
}

static void announce(struct replica *replica)
{
    char value[24];
    struct key_text key = key_of_live(replica->cluster->prefix, replica->id);
    Etcd__PutRequest request = ETCD__PUT_REQUEST__INIT;
    int n = snprintf(value, sizeof value, "%" PRIu64, replica->copy.seen);
    request.key = (ProtobufCBinaryData){key.n, (uint8_t *)key.at};
    request.value = (ProtobufCBinaryData){(size_t)n, (uint8_t *)value};
    request.lease = replica->presence.lease;
    replica->presence.is_announcing = true;
    replica->presence.is_wanted = false;
    replica->presence.said_ms = board_now_ms();
    count(replica->counters, COUNT_cluster_announcements);
    replica_call(replica, "/etcdserverpb.KV/Put", &request.base, on_announced);
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
        touch(replica, replica->presence.beat_ms);
        replica->presence.is_looking = false;
        replica->presence.has_looked = true;
    }
    bool is_guest = replica->options->is_guest;
    if (is_guest && replica->state == STATE_CATCHING_UP && replica->watch.is_created && replica->presence.has_looked)
        replica_go(replica, STATE_IN_STEP, "all there was is applied", NULL);
    if (replica->state == STATE_CATCHING_UP && replica->presence.confirm != 0 && seen >= replica->presence.confirm) {
        touch(replica, replica->presence.said_ms);
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
        presence_end(replica, "the lease has ended");
}

static void renew(struct replica *replica)
{
    Etcd__LeaseKeepAliveRequest request = ETCD__LEASE_KEEP_ALIVE_REQUEST__INIT;
    request.id = replica->presence.lease;
    replica_call(replica, "/etcdserverpb.Lease/LeaseKeepAlive", &request.base, on_renewed);
}

static void on_looked(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__RangeResponse *answer = etcd__range_response__unpack(NULL, outcome->message.n, outcome->message.at);
    if (answer == NULL || answer->header == NULL || answer->header->cluster_id != replica->copy.cluster)
        replica_lose(replica, "etcd gave an unexpected answer", "another cluster");
    else
        replica->presence.looked = answer->n_kvs == 0 ? 0 : (uint64_t)answer->kvs[0]->mod_revision;
    etcd__range_response__free_unpacked(answer, NULL);
}

static void look(struct replica *replica)
{
    struct key_text last = key_of_last(replica->cluster->prefix);
    Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
    request.key = (ProtobufCBinaryData){last.n, (uint8_t *)last.at};
    request.keys_only = true;
    replica->presence.is_looking = true;
    replica->presence.looked = UINT64_MAX; // until the answer says
    replica->presence.beat_ms = board_now_ms();
    replica_call(replica, "/etcdserverpb.KV/Range", &request.base, on_looked);
}

// The watch owes us something, and nothing comes.
static bool is_watch_silent(const struct replica *replica)
{
    uint64_t seen = replica->watch.seen;
    bool is_owing = !replica->watch.is_created || replica->presence.confirm > seen ||
                    (replica->presence.is_looking && replica->presence.looked > seen);
    return is_owing && replica->watch.heard_ms + BEAT_MAX_MS < uv_now(&replica->loop);
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
}

void presence_start(struct replica *replica)
{
    uint64_t beat_ms = 1000ull * replica->cluster->lease_s / BEATS_PER_LEASE;
    if (beat_ms > BEAT_MAX_MS)
        beat_ms = BEAT_MAX_MS;
    if (replica->channel == NULL) // lost on the way here
        return;
    uv_timer_start(&replica->beat, on_beat, beat_ms, beat_ms);
    if (replica->copy.lease != 0)
        revoke_old(replica);
    if (replica->presence.lease != 0)
        renew(replica);
    if (replica->options->is_guest && replica->channel != NULL)
        look(replica);
}

void presence_reset(struct replica *replica)
{
    replica->presence.is_granting = replica->presence.is_announcing = false;
    replica->presence.is_wanted = replica->presence.is_looking = replica->presence.has_looked = false;
    replica->presence.confirm = replica->presence.own_said = 0;
}

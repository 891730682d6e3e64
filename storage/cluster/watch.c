// SPDX-License-Identifier: MIT
// One watch over all of the prefix, from the revision behind the copy's on. That it is one, for data and for the live
// replicas, matters: etcd keeps the order of revisions within a watch, so who sees an announcement has seen all data
// that was there before it. The data's own revision, which becomes the SOA's serial, moves only with keys of data.
//
// What comes is gathered and committed when the turn ends. A revision that comes in pieces is committed only when it is
// whole.
#include "replica.h"

static void take_live(struct replica *replica, const Etcd__Event *event, const struct key *key)
{
    uint64_t revision = (uint64_t)event->kv->mod_revision;
    struct live_replica other = {.since = (uint64_t)event->kv->create_revision, .said = revision};
    memcpy(other.id, key->name.at, key->name.n);
    if (event->type == ETCD__EVENT__EVENT_TYPE__PUT) {
        struct bytes text = {event->kv->value.data, event->kv->value.len};
        if (live_note(&replica->live, &other, text) != ERR_OK)
            replica_lose(replica, "out of memory", NULL);
        return;
    }
    live_drop(&replica->live, key->name, revision, board_now_ms());
    if (strcmp(other.id, replica->id) == 0)
        presence_on_gone(replica, revision);
}

// A transaction of ours begins with KEY_LAST and our id.
static enum err take_data(struct replica *replica, const Etcd__Event *event, const struct key *key)
{
    struct bytes value = {event->kv->value.data, event->kv->value.len};
    uint64_t revision = (uint64_t)event->kv->mod_revision;
    replica->watch.data_revision = revision;
    if (key->kind == KEY_LAST && bytes_equal(value, bytes_of_text(replica->id)))
        replica->watch.own_revision = revision;
    if (revision != replica->watch.own_revision)
        replica->watch.has_foreign = true;
    if (event->type == ETCD__EVENT__EVENT_TYPE__PUT)
        return copy_put(&replica->copy, key, value);
    return copy_delete(&replica->copy, key);
}

static void take_event(struct replica *replica, const Etcd__Event *event)
{
    uint64_t revision = event->kv == NULL ? 0 : (uint64_t)event->kv->mod_revision;
    if (revision <= replica->copy.seen || replica->channel == NULL) // seen already, or the session was lost on the way
        return;
    struct key key = key_parse(replica->cluster->prefix, (struct bytes){event->kv->key.data, event->kv->key.len});
    enum err err = ERR_OK;
    if (key.kind == KEY_LIVE)
        take_live(replica, event, &key);
    else if (key.kind == KEY_SHARED)
        shared_note(replica->shared);
    else if (key.kind != KEY_OTHER && key.kind != KEY_MARK)
        err = take_data(replica, event, &key);
    if (err != ERR_OK)
        replica_fail_copy(replica, err);
    else if (revision > replica->watch.seen)
        replica->watch.seen = revision;
}

static void take_cancel(struct replica *replica, const Etcd__WatchResponse *message)
{
    if (message->compact_revision == 0) {
        replica_lose(replica, "the watch was refused", message->cancel_reason);
        return;
    }
    count(replica->counters, COUNT_cluster_compactions);
    replica_reload(replica, "what follows the copy was compacted", NULL);
}

static void on_message(void *context, struct bytes bytes)
{
    struct replica *replica = context;
    Etcd__WatchResponse *message = etcd__watch_response__unpack(NULL, bytes.n, bytes.at);
    if (message == NULL) {
        replica_lose(replica, "etcd gave an unexpected answer", "a watch message does not decode");
        return;
    }
    replica->watch.heard_ms = uv_now(&replica->loop);
    replica->watch.is_partial = message->fragment;
    if (message->created)
        replica->watch.is_created = true;
    if (message->canceled)
        take_cancel(replica, message);
    for (size_t i = 0; i < message->n_events; i++)
        take_event(replica, message->events[i]);
    etcd__watch_response__free_unpacked(message, NULL);
}

static void on_end(void *context, const struct outcome *outcome)
{
    if (outcome->code == GRPC_OK)
        replica_lose(context, "the watch has ended", NULL);
    else
        replica_fail(context, outcome);
}

void watch_start(struct replica *replica)
{
    struct key_range all = key_range_of(replica->cluster->prefix, KEY_ALL);
    Etcd__WatchCreateRequest create = ETCD__WATCH_CREATE_REQUEST__INIT;
    create.key = (ProtobufCBinaryData){all.first.n, (uint8_t *)all.first.at};
    create.range_end = (ProtobufCBinaryData){all.end.n, (uint8_t *)all.end.at};
    create.start_revision = (int64_t)replica->copy.seen + 1;
    create.fragment = true;
    Etcd__WatchRequest request = ETCD__WATCH_REQUEST__INIT;
    request.request_union_case = ETCD__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST;
    request.create_request = &create;
    const struct call call = {.path = "/etcdserverpb.Watch/Watch",
                              .message = &request.base,
                              .token = replica->token,
                              .on_message = on_message,
                              .on_end = on_end,
                              .context = replica};
    replica->watch.seen = replica->copy.seen;
    replica->watch.data_revision = replica->copy.data_revision;
    replica->watch.heard_ms = uv_now(&replica->loop);
    count(replica->counters, COUNT_cluster_watches);
    if (channel_call(replica->channel, &call) != ERR_OK)
        replica_lose(replica, "out of memory", NULL);
}

void watch_reset(struct replica *replica)
{
    copy_abort(&replica->copy);
    replica->watch.is_created = replica->watch.is_partial = replica->watch.has_foreign = false;
    replica->watch.seen = replica->copy.seen;
    replica->watch.own_revision = 0; // which would mean something else in a backup that was restored
}

bool watch_commit(struct replica *replica)
{
    if (replica->watch.seen == replica->copy.seen || replica->watch.is_partial)
        return true;
    bool has_data = replica->watch.data_revision != replica->copy.data_revision;
    enum err err = copy_commit(&replica->copy, replica->watch.seen, replica->watch.data_revision);
    if (err != ERR_OK) {
        replica_fail_copy(replica, err);
        return false;
    }
    if (has_data)
        count(replica->counters, COUNT_commits);
    if (replica->watch.has_foreign)
        replica->presence.is_wanted = true;
    replica->watch.has_foreign = false;
    return true;
}

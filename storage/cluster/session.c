// SPDX-License-Identifier: MIT
// A session begins with two questions. Who are we: a token for the user, where one is configured; it outlives the
// session, and is asked for anew when it is refused. Who are you: one linearizable look at the live replicas, whose
// header tells the cluster's id and its revision. A member without a leader cannot answer it, so a session that begins
// is one with the majority.
//
// The id and the revision decide whether the copy can be continued. Another cluster, or an older revision than the copy
// has seen, is a backup that was restored: the copy is not its past any more, and a snapshot must replace it. Changes
// that wait for the other replicas then are not known to be anywhere, and are not acknowledged.
#include "replica.h"

#include <stdlib.h>

static ProtobufCBinaryData data_of(const struct key_text *text)
{
    return (ProtobufCBinaryData){text->n, (uint8_t *)(uintptr_t)text->at};
}

static enum err note_live(struct replica *replica, const Etcd__RangeResponse *answer)
{
    live_begin_list(&replica->live);
    for (size_t i = 0; i < answer->n_kvs; i++) {
        const Etcd__KeyValue *kv = answer->kvs[i];
        struct key key = key_parse(replica->cluster->prefix, (struct bytes){kv->key.data, kv->key.len});
        if (key.kind != KEY_LIVE && key.kind != KEY_MARK)
            continue;
        struct live_replica other = {.since = (uint64_t)kv->create_revision, .said = (uint64_t)kv->mod_revision};
        memcpy(other.id, key.name.at, key.name.n);
        enum err err = key.kind == KEY_MARK
                           ? live_meet(&replica->live, &other)
                           : live_note(&replica->live, &other, (struct bytes){kv->value.data, kv->value.len});
        if (err != ERR_OK)
            return err;
    }
    live_end_list(&replica->live, (uint64_t)answer->header->revision, board_now_ms());
    return ERR_OK;
}

// Why the copy cannot be continued; a null pointer: it can.
static const char *why_load(const struct replica *replica, uint64_t cluster, uint64_t revision)
{
    if (!replica->copy.is_loaded)
        return "there is no copy yet";
    if (replica->copy.cluster != cluster)
        return "etcd is another cluster than the copy's";
    if (revision < replica->copy.seen)
        return "etcd is older than the copy";
    return replica->must_load ? "the copy is not sound, or too old" : NULL;
}

static bool is_another_past(const struct replica *replica, uint64_t cluster, uint64_t revision)
{
    return replica->copy.is_loaded && (replica->copy.cluster != cluster || revision < replica->copy.seen);
}

static void go_on(struct replica *replica, const Etcd__ResponseHeader *header)
{
    uint64_t cluster = header->cluster_id, revision = (uint64_t)header->revision;
    const char *why = why_load(replica, cluster, revision);
    if (why == NULL) {
        replica_go(replica, STATE_CATCHING_UP, "the copy is continued", NULL);
        watch_start(replica);
        presence_start(replica);
        return;
    }
    if (is_another_past(replica, cluster, revision))
        changes_end(&replica->waiting, ERR_BARRIER);
    replica_go(replica, STATE_LOADING, why, NULL);
    log_write(replica->options->log, LOG_INFO, "cluster.loading", LOG_STR("reason", why), LOG_INT("revision", revision),
              LOG_INT("copy", replica->copy.seen));
    load_start(replica, cluster, revision);
}

static void take_probe(struct replica *replica, const Etcd__RangeResponse *answer)
{
    if (is_another_past(replica, answer->header->cluster_id, (uint64_t)answer->header->revision))
        live_free(&replica->live); // its revisions mean nothing here
    if (note_live(replica, answer) != ERR_OK)
        replica_lose(replica, "out of memory", NULL);
    else
        go_on(replica, answer->header);
}

static void on_probed(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__RangeResponse *answer = etcd__range_response__unpack(NULL, outcome->message.n, outcome->message.at);
    if (answer == NULL || answer->header == NULL)
        replica_lose(replica, "etcd gave an unexpected answer", "no header");
    else
        take_probe(replica, answer);
    etcd__range_response__free_unpacked(answer, NULL);
}

static void probe(struct replica *replica)
{
    struct key_range lives = key_range_of(replica->cluster->prefix, KEY_LIVES);
    Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
    request.key = data_of(&lives.first);
    request.range_end = data_of(&lives.end);
    replica_call(replica, "/etcdserverpb.KV/Range", &request.base, on_probed);
}

static void on_signed_in(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (outcome->code == GRPC_FAILED_PRECONDITION) { // authentication is not enabled: then nobody wants a token
        replica_go(replica, STATE_PROBING, "etcd wants no token", NULL);
        probe(replica);
        return;
    }
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__AuthenticateResponse *answer =
        etcd__authenticate_response__unpack(NULL, outcome->message.n, outcome->message.at);
    free(replica->token);
    replica->token = answer == NULL ? NULL : strdup(answer->token);
    etcd__authenticate_response__free_unpacked(answer, NULL);
    count(replica->counters, COUNT_cluster_sign_ins);
    if (replica->token == NULL) {
        replica_lose(replica, "etcd gave an unexpected answer", "no token");
        return;
    }
    replica_go(replica, STATE_PROBING, "signed in", NULL);
    probe(replica);
}

static void sign_in(struct replica *replica)
{
    Etcd__AuthenticateRequest request = ETCD__AUTHENTICATE_REQUEST__INIT;
    request.name = (char *)(uintptr_t)replica->cluster->username; // only read
    request.password = (char *)(uintptr_t)replica->cluster->password;
    replica_call(replica, "/etcdserverpb.Auth/Authenticate", &request.base, on_signed_in);
}

void session_start(struct replica *replica)
{
    bool needs_token = replica->cluster->username[0] != 0 && replica->token == NULL;
    replica->channel_options.endpoint = replica->endpoints[replica->endpoint];
    replica_go(replica, needs_token ? STATE_SIGNING_IN : STATE_PROBING, "a session begins", NULL);
    if (channel_open(&replica->channel, &replica->channel_options) != ERR_OK)
        replica_lose(replica, "out of memory", NULL);
    else if (needs_token)
        sign_in(replica);
    else
        probe(replica);
}

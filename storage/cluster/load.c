// SPDX-License-Identifier: MIT
// Everything under PREFIX/data/ at one revision, page by page in the order of keys, merged into the copy in one
// transaction: DNS sees the state before it until it is whole.
//
// If none of the copy's accounts is in the snapshot, etcd's data were lost, even if somebody has begun to write anew.
// Then the copy is kept, DNS goes on from it, and the log says what to do: a replica is not to carry out the loss. A
// backup that was restored has some of them.
#include "replica.h"

enum { PAGE = 500 };

static void ask(struct replica *replica);

static bool would_lose_all(struct replica *replica)
{
    bool is_empty = true;
    return replica->copy.is_loaded && replica->copy.n_kept == 0 && copy_is_empty(&replica->copy, &is_empty) == ERR_OK &&
           !is_empty;
}

static void refuse(struct replica *replica)
{
    static const char reason[] = "etcd has lost its data";
    if (replica->told != reason) // once
        log_write(
            replica->options->log, LOG_ERROR, "cluster.refused", LOG_STR("prefix", replica->cluster->prefix),
            LOG_STR("reason", "etcd holds none of the copy's accounts; the copy is kept: restore etcd, or empty path"));
    replica_lose(replica, reason, NULL);
}

static void finish(struct replica *replica)
{
    if (would_lose_all(replica)) {
        refuse(replica);
        return;
    }
    enum err err =
        copy_merge_end(&replica->copy, replica->load.cluster, replica->load.revision, replica->load.data_revision);
    if (err != ERR_OK) {
        replica_fail_copy(replica, err);
        return;
    }
    replica->must_load = false;
    atomic_store(&replica->board->is_loaded, true);
    if (!atomic_exchange(&replica->board->is_sound, true))
        log_write(replica->options->log, LOG_INFO, "store.recovered");
    count(replica->counters, COUNT_cluster_loads);
    log_write(replica->options->log, LOG_INFO, "cluster.loaded", LOG_INT("records", replica->load.n_records),
              LOG_INT("dropped", replica->copy.n_dropped), LOG_INT("revision", replica->load.revision),
              LOG_INT("data_revision", replica->load.data_revision));
    replica_go(replica, STATE_CATCHING_UP, "the snapshot is whole", NULL);
    watch_start(replica);
    presence_start(replica);
}

static enum err merge_page(struct replica *replica, const Etcd__RangeResponse *page)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < page->n_kvs && err == ERR_OK; i++) {
        const Etcd__KeyValue *kv = page->kvs[i];
        uint64_t revision = (uint64_t)kv->mod_revision;
        struct key key = key_parse(replica->cluster->prefix, (struct bytes){kv->key.data, kv->key.len});
        err = copy_merge(&replica->copy, &key, (struct bytes){kv->value.data, kv->value.len});
        if (revision > replica->load.data_revision)
            replica->load.data_revision = revision;
        replica->load.n_records++;
    }
    return err;
}

// The next page begins behind the last key of this one.
static bool turn_page(struct replica *replica, const Etcd__RangeResponse *page)
{
    const Etcd__KeyValue *last = page->kvs[page->n_kvs - 1];
    struct key_text *next = &replica->load.next;
    if (last->key.len >= sizeof next->at)
        return false;
    memcpy(next->at, last->key.data, last->key.len);
    next->at[last->key.len] = 0;
    next->n = last->key.len + 1;
    return true;
}

static void take_page(struct replica *replica, const Etcd__RangeResponse *page)
{
    enum err err = merge_page(replica, page);
    if (err != ERR_OK) {
        replica_fail_copy(replica, err);
    } else if (!page->more) {
        finish(replica);
    } else if (page->n_kvs == 0 || !turn_page(replica, page)) {
        replica_lose(replica, "etcd gave an unexpected answer", "a key that is too long");
    } else {
        ask(replica);
    }
}

static void on_page(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (outcome->code !=
        GRPC_OK) { // also when the revision was compacted meanwhile: the next session takes a newer one
        replica_fail(replica, outcome);
        return;
    }
    Etcd__RangeResponse *page = etcd__range_response__unpack(NULL, outcome->message.n, outcome->message.at);
    if (page == NULL) {
        replica_lose(replica, "etcd gave an unexpected answer", "no page");
        return;
    }
    take_page(replica, page);
    etcd__range_response__free_unpacked(page, NULL);
}

static void ask(struct replica *replica)
{
    struct key_range data = key_range_of(replica->cluster->prefix, KEY_DATA);
    Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
    request.key = (ProtobufCBinaryData){replica->load.next.n, (uint8_t *)replica->load.next.at};
    request.range_end = (ProtobufCBinaryData){data.end.n, (uint8_t *)data.end.at};
    request.limit = PAGE;
    request.revision = (int64_t)replica->load.revision;
    replica_call(replica, "/etcdserverpb.KV/Range", &request.base, on_page);
}

void load_start(struct replica *replica, uint64_t cluster, uint64_t revision)
{
    enum err err = copy_merge_begin(&replica->copy);
    replica->load.cluster = cluster;
    replica->load.revision = revision;
    replica->load.data_revision = 0;
    replica->load.n_records = 0;
    replica->load.next = key_range_of(replica->cluster->prefix, KEY_DATA).first;
    if (err == ERR_OK)
        ask(replica);
    else
        replica_fail_copy(replica, err);
}

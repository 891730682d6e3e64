// SPDX-License-Identifier: MIT
// What comes by in the watch is only taken as a hint that there is something to fetch: so a replica that has missed it
// and one that has seen it do the same. A wish stays until etcd has confirmed it; a newer one takes its place.
#include "shared.h"

#include "replica.h"

#include <stdlib.h>

enum err shared_open(struct shared *shared)
{
    *shared = (struct shared){.must_fetch = true};
    return uv_mutex_init(&shared->mutex) == 0 ? ERR_OK : ERR_SYSTEM;
}

// It holds a private key.
static void drop(uint8_t *at, size_t n)
{
    if (at != NULL)
        explicit_bzero(at, n);
    free(at);
}

void shared_close(struct shared *shared)
{
    drop(shared->text, shared->n_text);
    drop((uint8_t *)(uintptr_t)shared->wish.at, shared->wish.n);
    uv_mutex_destroy(&shared->mutex);
}

static uint8_t *copy_of(struct bytes text)
{
    uint8_t *copy = malloc(text.n + 1);
    if (copy != NULL && text.n > 0)
        memcpy(copy, text.at, text.n);
    return copy;
}

enum err shared_put(struct shared *shared, struct bytes text)
{
    uint8_t *copy = copy_of(text);
    if (copy == NULL)
        return ERR_MEMORY;
    uv_mutex_lock(&shared->mutex);
    struct bytes before = shared->wish;
    shared->wish = (struct bytes){copy, text.n};
    uv_mutex_unlock(&shared->mutex);
    drop((uint8_t *)(uintptr_t)before.at, before.n);
    return ERR_OK;
}

enum err shared_get(struct shared *shared, uint64_t *version, struct writer *text)
{
    uv_mutex_lock(&shared->mutex);
    bool is_news = *version != shared->version;
    *version = shared->version;
    if (is_news)
        put_bytes(text, shared->text, shared->n_text);
    uv_mutex_unlock(&shared->mutex);
    return is_news ? ERR_OK : ERR_NOT_FOUND;
}

void shared_note(struct shared *shared)
{
    shared->must_fetch = true;
}

void shared_reset(struct shared *shared)
{
    shared->must_fetch = true;
    shared->is_fetching = shared->is_putting = false;
}

static void take(struct shared *shared, struct bytes text)
{
    uint8_t *copy = copy_of(text);
    if (copy == NULL) {
        shared->must_fetch = true; // at the next turn
        return;
    }
    uv_mutex_lock(&shared->mutex);
    uint8_t *before = shared->text;
    size_t n_before = shared->n_text;
    shared->text = copy;
    shared->n_text = text.n;
    shared->version++;
    uv_mutex_unlock(&shared->mutex);
    drop(before, n_before);
}

static void on_fetched(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    replica->shared->is_fetching = false;
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    Etcd__RangeResponse *answer = etcd__range_response__unpack(NULL, outcome->message.n, outcome->message.at);
    struct bytes text = {0};
    if (answer != NULL && answer->n_kvs > 0)
        text = (struct bytes){answer->kvs[0]->value.data, answer->kvs[0]->value.len};
    if (answer != NULL)
        take(replica->shared, text);
    etcd__range_response__free_unpacked(answer, NULL);
}

static void fetch(struct replica *replica)
{
    struct key_text key = key_of_shared(replica->cluster->prefix);
    Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
    request.key = (ProtobufCBinaryData){key.n, (uint8_t *)key.at};
    replica->shared->must_fetch = false;
    replica->shared->is_fetching = true;
    replica_call(replica, "/etcdserverpb.KV/Range", &request.base, on_fetched);
}

static void on_put(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    struct shared *shared = replica->shared;
    shared->is_putting = false;
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome);
        return;
    }
    uv_mutex_lock(&shared->mutex);
    struct bytes wish = shared->wish;
    if (wish.at == shared->put_at)
        shared->wish = (struct bytes){0};
    else
        wish = (struct bytes){0}; // another has come meanwhile
    uv_mutex_unlock(&shared->mutex);
    drop((uint8_t *)(uintptr_t)wish.at, wish.n);
}

static void put(struct replica *replica)
{
    struct shared *shared = replica->shared;
    struct key_text key = key_of_shared(replica->cluster->prefix);
    Etcd__PutRequest request = ETCD__PUT_REQUEST__INIT;
    request.key = (ProtobufCBinaryData){key.n, (uint8_t *)key.at};
    uv_mutex_lock(&shared->mutex);
    struct bytes wish = {copy_of(shared->wish), shared->wish.n};
    shared->put_at = shared->wish.at;
    uv_mutex_unlock(&shared->mutex);
    if (shared->put_at != NULL && wish.at != NULL) {
        request.value = (ProtobufCBinaryData){wish.n, (uint8_t *)(uintptr_t)wish.at};
        shared->is_putting = true;
        replica_call(replica, "/etcdserverpb.KV/Put", &request.base, on_put);
    }
    drop((uint8_t *)(uintptr_t)wish.at, wish.n);
}

void shared_turn(struct replica *replica)
{
    struct shared *shared = replica->shared;
    bool is_in_step = replica->state == STATE_IN_STEP;
    atomic_store(&shared->is_first, is_in_step && live_is_first(&replica->live, replica->id));
    if (is_in_step && shared->must_fetch && !shared->is_fetching)
        fetch(replica);
    if (replica->state == STATE_IN_STEP && !shared->is_putting)
        put(replica);
}

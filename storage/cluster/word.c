// SPDX-License-Identifier: MIT
// What is written below PREFIX/live/, each as one transaction.
//
//     announcement   put the key under our lease; the first one of a session puts the mark as well
//     farewell       put the key, as one that has applied everything there will ever be, and delete the mark: nobody
//                    waits any longer, and then the lease can be given back, which removes the key. It is said by who
//                    stops in order, and for who was killed by the process after him.
//     burial         delete the mark, if there is no key
#include "replica.h"

#include <inttypes.h>
#include <stdio.h>

enum { OPS_MAX = 2 };

struct word {
    Etcd__TxnRequest txn;
    Etcd__RequestOp ops[OPS_MAX];
    Etcd__RequestOp *list[OPS_MAX];
    struct key_text key;
    struct key_text mark;
    char value[24];
    Etcd__PutRequest put;
    Etcd__PutRequest put_mark;
    Etcd__DeleteRangeRequest delete_mark;
};

static ProtobufCBinaryData data_of(const struct key_text *text)
{
    return (ProtobufCBinaryData){text->n, (uint8_t *)(uintptr_t)text->at}; // only read
}

static void begin(struct word *word, const char *prefix, const char *id)
{
    word->txn = (Etcd__TxnRequest)ETCD__TXN_REQUEST__INIT;
    word->txn.success = word->list;
    word->key = key_of_live(prefix, id);
    word->mark = key_of_mark(prefix, id);
}

static Etcd__RequestOp *add(struct word *word)
{
    size_t n = word->txn.n_success++;
    word->ops[n] = (Etcd__RequestOp)ETCD__REQUEST_OP__INIT;
    word->list[n] = &word->ops[n];
    return word->list[n];
}

static void add_put(struct word *word, uint64_t applied, int64_t lease)
{
    Etcd__RequestOp *op = add(word);
    int n = snprintf(word->value, sizeof word->value, "%" PRIu64, applied);
    word->put = (Etcd__PutRequest)ETCD__PUT_REQUEST__INIT;
    word->put.key = data_of(&word->key);
    word->put.value = (ProtobufCBinaryData){(size_t)n, (uint8_t *)word->value};
    word->put.lease = lease;
    op->request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_PUT;
    op->request_put = &word->put;
}

static void add_put_mark(struct word *word)
{
    Etcd__RequestOp *op = add(word);
    word->put_mark = (Etcd__PutRequest)ETCD__PUT_REQUEST__INIT;
    word->put_mark.key = data_of(&word->mark);
    op->request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_PUT;
    op->request_put = &word->put_mark;
}

static void add_delete_mark(struct word *word)
{
    Etcd__RequestOp *op = add(word);
    word->delete_mark = (Etcd__DeleteRangeRequest)ETCD__DELETE_RANGE_REQUEST__INIT;
    word->delete_mark.key = data_of(&word->mark);
    op->request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_DELETE_RANGE;
    op->request_delete_range = &word->delete_mark;
}

// -- Announcement
// -------------------------------------------------------------------------------------------------------------

void word_announce(struct replica *replica, bool is_first, void (*on_end)(void *, const struct outcome *))
{
    struct word word;
    begin(&word, replica->cluster->prefix, replica->id);
    add_put(&word, replica->copy.seen, replica->presence.lease);
    if (is_first)
        add_put_mark(&word);
    replica_call(replica, "/etcdserverpb.KV/Txn", &word.txn.base, on_end);
}

// -- Burial
// -------------------------------------------------------------------------------------------------------------------

static void on_buried(void *context, const struct outcome *outcome)
{
    if (outcome->code != GRPC_OK)
        replica_fail(context, outcome);
}

void word_bury(struct replica *replica, const char *id)
{
    struct word word;
    Etcd__Compare is_absent = ETCD__COMPARE__INIT;
    Etcd__Compare *compare = &is_absent;
    begin(&word, replica->cluster->prefix, id);
    is_absent.key = data_of(&word.key);
    is_absent.target = ETCD__COMPARE__COMPARE_TARGET__VERSION;
    is_absent.target_union_case = ETCD__COMPARE__TARGET_UNION_VERSION;
    word.txn.compare = &compare;
    word.txn.n_compare = 1;
    add_delete_mark(&word);
    replica_call(replica, "/etcdserverpb.KV/Txn", &word.txn.base, on_buried);
}

// -- Farewell
// -----------------------------------------------------------------------------------------------------------------

static enum err call(struct replica *replica, const char *path, const ProtobufCMessage *message,
                     void (*on_end)(void *, const struct outcome *))
{
    const struct call call = {.path = path,
                              .message = message,
                              .token = replica->token,
                              .timeout_ms = replica->cluster->request_ms,
                              .on_end = on_end,
                              .context = replica};
    return channel_call(replica->channel, &call);
}

// Whether it was heard matters little: the lease ends anyhow.
static void on_said(void *context, const struct outcome *outcome)
{
    (void)outcome;
    struct replica *replica = context;
    Etcd__LeaseRevokeRequest request = ETCD__LEASE_REVOKE_REQUEST__INIT;
    request.id = replica->farewell.lease;
    if (call(replica, "/etcdserverpb.Lease/LeaseRevoke", &request.base, replica->farewell.on_end) != ERR_OK)
        replica->farewell.on_end(replica, &(struct outcome){.code = GRPC_UNAVAILABLE, .is_local = true, .text = ""});
}

enum err word_farewell(struct replica *replica, const char *id, int64_t lease,
                       void (*on_end)(void *, const struct outcome *))
{
    struct word word;
    begin(&word, replica->cluster->prefix, id);
    add_put(&word, LIVE_FAREWELL, lease);
    add_delete_mark(&word);
    replica->farewell.lease = lease;
    replica->farewell.on_end = on_end;
    return call(replica, "/etcdserverpb.KV/Txn", &word.txn.base, on_said);
}

// SPDX-License-Identifier: MIT
// A batch in etcd's words: a transaction without conditions that writes PREFIX/data/last, with our id, and holds a
// transaction for each item,
//
//     registration   if both keys have version 0, which means that they are absent: put both; else get the account
//     update         if the key holds the record we know and has not been written since: put the new one; else get its
//                    revision. The second condition is for a transaction that was given up and comes late: the record
//                    may be again what it was.
//
// The messages are laid out in the batch's arena and on the stack; they are packed before this returns.
#include "txn.h"

static ProtobufCBinaryData data_of(struct bytes bytes)
{
    return (ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.at}; // only read
}

static ProtobufCBinaryData data_of_key(const struct key_text *key)
{
    return (ProtobufCBinaryData){key->n, (uint8_t *)(uintptr_t)key->at};
}

// Room for the messages of one item.
struct item_txn {
    Etcd__RequestOp op;
    Etcd__TxnRequest txn;
    Etcd__Compare compares[2];
    Etcd__RequestOp ops[3];
    Etcd__PutRequest puts[2];
    Etcd__RangeRequest range;
    Etcd__Compare *compare_list[2];
    Etcd__RequestOp *success_list[2];
    Etcd__RequestOp *failure_list[1];
};

static void set_put(Etcd__RequestOp *op, Etcd__PutRequest *put, ProtobufCBinaryData key, ProtobufCBinaryData value)
{
    *op = (Etcd__RequestOp)ETCD__REQUEST_OP__INIT;
    *put = (Etcd__PutRequest)ETCD__PUT_REQUEST__INIT;
    put->key = key;
    put->value = value;
    op->request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_PUT;
    op->request_put = put;
}

static Etcd__Compare *init_compare(struct item_txn *room, size_t i, const struct key_text *key)
{
    room->compares[i] = (Etcd__Compare)ETCD__COMPARE__INIT;
    room->compares[i].key = data_of_key(key);
    room->compare_list[i] = &room->compares[i];
    return &room->compares[i];
}

static void set_unchanged(struct item_txn *room, const struct item *item, uint64_t seen)
{
    Etcd__Compare *value = init_compare(room, 0, &item->keys[0]);
    value->target = ETCD__COMPARE__COMPARE_TARGET__VALUE;
    value->target_union_case = ETCD__COMPARE__TARGET_UNION_VALUE;
    value->value = data_of(item->old);
    Etcd__Compare *revision = init_compare(room, 1, &item->keys[0]);
    revision->result = ETCD__COMPARE__COMPARE_RESULT__LESS;
    revision->target = ETCD__COMPARE__COMPARE_TARGET__MOD;
    revision->target_union_case = ETCD__COMPARE__TARGET_UNION_MOD_REVISION;
    revision->mod_revision = (int64_t)seen + 1;
}

// Version 0: it is absent.
static void set_absent(struct item_txn *room, const struct item *item)
{
    for (size_t i = 0; i < 2; i++) {
        Etcd__Compare *compare = init_compare(room, i, &item->keys[i]);
        compare->target = ETCD__COMPARE__COMPARE_TARGET__VERSION;
        compare->target_union_case = ETCD__COMPARE__TARGET_UNION_VERSION;
    }
}

// if (compares) write, else look what is there.
static Etcd__RequestOp *make_op(struct item_txn *room, const struct item *item, uint64_t seen)
{
    size_t n = item->kind == CHANGE_REGISTER ? 2 : 1;
    if (item->kind == CHANGE_REGISTER)
        set_absent(room, item);
    else
        set_unchanged(room, item, seen);
    for (size_t i = 0; i < n; i++) {
        set_put(&room->ops[i], &room->puts[i], data_of_key(&item->keys[i]), data_of(item->records[i]));
        room->success_list[i] = &room->ops[i];
    }
    room->range = (Etcd__RangeRequest)ETCD__RANGE_REQUEST__INIT;
    room->range.key = data_of_key(&item->keys[0]);
    room->range.keys_only = item->kind == CHANGE_UPDATE;
    room->ops[2] = (Etcd__RequestOp)ETCD__REQUEST_OP__INIT;
    room->ops[2].request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_RANGE;
    room->ops[2].request_range = &room->range;
    room->failure_list[0] = &room->ops[2];
    room->txn = (Etcd__TxnRequest)ETCD__TXN_REQUEST__INIT;
    room->txn.n_compare = 2;
    room->txn.n_success = n;
    room->txn.n_failure = 1;
    room->txn.compare = room->compare_list;
    room->txn.success = room->success_list;
    room->txn.failure = room->failure_list;
    room->op = (Etcd__RequestOp)ETCD__REQUEST_OP__INIT;
    room->op.request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_TXN;
    room->op.request_txn = &room->txn;
    return &room->op;
}

enum err txn_send(struct replica *replica, const struct batch *batch, void (*on_end)(void *, const struct outcome *))
{
    struct item_txn *rooms = arena_take(batch->arena, batch->n, sizeof *rooms);
    if (rooms == NULL)
        return ERR_MEMORY;
    Etcd__RequestOp *ops[1 + REPLICA_BATCH_MAX];
    Etcd__RequestOp op;
    Etcd__PutRequest put;
    Etcd__TxnRequest txn = ETCD__TXN_REQUEST__INIT;
    struct key_text last = key_of_last(replica->cluster->prefix);
    set_put(&op, &put, data_of_key(&last), data_of(bytes_of_text(replica->id)));
    ops[0] = &op;
    for (size_t i = 0; i < batch->n; i++)
        ops[1 + i] = make_op(&rooms[i], &batch->items[i], batch->seen);
    txn.success = ops;
    txn.n_success = 1 + batch->n;
    count(replica->counters, COUNT_cluster_transactions);
    replica_call(replica, "/etcdserverpb.KV/Txn", &txn.base, on_end);
    return ERR_OK;
}

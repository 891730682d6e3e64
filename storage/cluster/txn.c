// SPDX-License-Identifier: MIT
// A batch in etcd's words: a transaction without conditions that writes PREFIX/data/last, with our id, and holds a
// transaction for each item:
//
//     if each key that is written holds the record we know and has not been written since, or is absent (version 0)
//     where we know none: put the new records, or delete them; else get the keys' revisions. "Since" is for a
//     transaction that was given up and comes late: the record may be again what it was.
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
    Etcd__Compare compares[2 * N_APPLY_PARTS];
    Etcd__RequestOp writes[N_APPLY_PARTS];
    Etcd__RequestOp looks[N_APPLY_PARTS];
    Etcd__PutRequest puts[N_APPLY_PARTS];
    Etcd__DeleteRangeRequest deletes[N_APPLY_PARTS];
    Etcd__RangeRequest ranges[N_APPLY_PARTS];
    Etcd__Compare *compare_list[2 * N_APPLY_PARTS];
    Etcd__RequestOp *success_list[N_APPLY_PARTS];
    Etcd__RequestOp *failure_list[N_APPLY_PARTS];
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

static void set_delete(Etcd__RequestOp *op, Etcd__DeleteRangeRequest *range, ProtobufCBinaryData key)
{
    *op = (Etcd__RequestOp)ETCD__REQUEST_OP__INIT;
    *range = (Etcd__DeleteRangeRequest)ETCD__DELETE_RANGE_REQUEST__INIT;
    range->key = key;
    op->request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_DELETE_RANGE;
    op->request_delete_range = range;
}

static void set_look(Etcd__RequestOp *op, Etcd__RangeRequest *range, ProtobufCBinaryData key)
{
    *op = (Etcd__RequestOp)ETCD__REQUEST_OP__INIT;
    *range = (Etcd__RangeRequest)ETCD__RANGE_REQUEST__INIT;
    range->key = key;
    range->keys_only = true;
    op->request_case = ETCD__REQUEST_OP__REQUEST_REQUEST_RANGE;
    op->request_range = range;
}

static Etcd__Compare *add_compare(struct item_txn *room, const struct part *part)
{
    size_t i = room->txn.n_compare++;
    room->compares[i] = (Etcd__Compare)ETCD__COMPARE__INIT;
    room->compares[i].key = data_of_key(&part->key);
    room->compare_list[i] = &room->compares[i];
    return &room->compares[i];
}

static void add_unchanged(struct item_txn *room, const struct part *part, uint64_t seen)
{
    Etcd__Compare *value = add_compare(room, part);
    value->target = ETCD__COMPARE__COMPARE_TARGET__VALUE;
    value->target_union_case = ETCD__COMPARE__TARGET_UNION_VALUE;
    value->value = data_of(part->old);
    Etcd__Compare *revision = add_compare(room, part);
    revision->result = ETCD__COMPARE__COMPARE_RESULT__LESS;
    revision->target = ETCD__COMPARE__COMPARE_TARGET__MOD;
    revision->target_union_case = ETCD__COMPARE__TARGET_UNION_MOD_REVISION;
    revision->mod_revision = (int64_t)seen + 1;
}

// Version 0: it is absent.
static void add_absent(struct item_txn *room, const struct part *part)
{
    Etcd__Compare *compare = add_compare(room, part);
    compare->target = ETCD__COMPARE__COMPARE_TARGET__VERSION;
    compare->target_union_case = ETCD__COMPARE__TARGET_UNION_VERSION;
}

static void add_part(struct item_txn *room, const struct part *part, uint64_t seen)
{
    ProtobufCBinaryData key = data_of_key(&part->key);
    size_t i = room->txn.n_success++;
    room->txn.n_failure++;
    if (part->old.n > 0)
        add_unchanged(room, part, seen);
    else
        add_absent(room, part);
    if (part->record.n > 0)
        set_put(&room->writes[i], &room->puts[i], key, data_of(part->record));
    else
        set_delete(&room->writes[i], &room->deletes[i], key);
    set_look(&room->looks[i], &room->ranges[i], key);
    room->success_list[i] = &room->writes[i];
    room->failure_list[i] = &room->looks[i];
}

// if (compares) write, else look what is there.
static Etcd__RequestOp *make_op(struct item_txn *room, const struct item *item, uint64_t seen)
{
    room->txn = (Etcd__TxnRequest)ETCD__TXN_REQUEST__INIT;
    room->txn.compare = room->compare_list;
    room->txn.success = room->success_list;
    room->txn.failure = room->failure_list;
    for (size_t i = 0; i < N_APPLY_PARTS; i++)
        if (item->parts[i].is_used)
            add_part(room, &item->parts[i], seen);
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

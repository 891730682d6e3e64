// SPDX-License-Identifier: MIT
// Group commit over etcd. The changes that wait go out as one transaction, whose parts are transactions of their own:
// each compares and writes by itself, so one that is refused leaves the others unharmed. What comes meanwhile makes the
// next one. All parts share one revision, and all replicas learn of them in one message.
//
// Every part is safe to be sent twice. A registration compares that its keys are absent; when they are not, but hold
// our own record, an earlier attempt has succeeded without our knowing. An update compares that etcd holds the record
// it was made from; when etcd does not, the change waits until the copy has caught up and is made anew. Updates of one
// subdomain are folded into one record, since a transaction may write a key only once.
#include "batch.h"

#include "apply.h"
#include "record.h"
#include "txn.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES_MAX = 512 * 1024 }; // etcd takes 1.5 MiB

// -- Making one
// ---------------------------------------------------------------------------------------------------------------

static struct bytes keep(struct batch *batch, struct bytes bytes)
{
    uint8_t *at = arena_take(batch->arena, bytes.n == 0 ? 1 : bytes.n, 1);
    if (at != NULL && bytes.n > 0)
        memcpy(at, bytes.at, bytes.n);
    batch->n_bytes += bytes.n;
    return (struct bytes){at, bytes.n};
}

static enum err keep_record(struct batch *batch, const struct writer *w, struct bytes *record)
{
    if (w->is_bad)
        return ERR_STORE;
    struct bytes kept = keep(batch, (struct bytes){w->start, writer_used(w)});
    if (kept.at == NULL)
        return ERR_MEMORY;
    *record = kept;
    return ERR_OK;
}

static struct item *find_item(struct batch *batch, struct bytes subdomain)
{
    for (size_t i = 0; i < batch->n; i++)
        if (bytes_equal(batch->items[i].subdomain, subdomain))
            return &batch->items[i];
    return NULL;
}

static bool has_key(const struct batch *batch, const struct key_text *key)
{
    const struct bytes wanted = {(const uint8_t *)key->at, key->n};
    for (size_t i = 0; i < batch->n; i++)
        for (size_t k = 0; k < 2; k++)
            if (bytes_equal(wanted,
                            (struct bytes){(const uint8_t *)batch->items[i].keys[k].at, batch->items[i].keys[k].n}))
                return true;
    return false;
}

static struct item *new_item(struct batch *batch, const struct change *change)
{
    struct item *item = &batch->items[batch->n];
    bool is_new = change->kind == CHANGE_REGISTER;
    *item = (struct item){.kind = is_new ? CHANGE_REGISTER : CHANGE_UPDATE,
                          .subdomain = keep(batch, change->account.subdomain)};
    return item;
}

static enum err add_update(struct replica *replica, struct batch *batch, struct change *change)
{
    uint8_t space[RECORD_MAX_BYTES];
    struct writer w = writer_of(space, sizeof space);
    const struct apply_options options = {.n_values = replica->options->n_values};
    struct item *item = find_item(batch, change->account.subdomain);
    struct bytes old = {0};
    enum err err = ERR_OK;
    if (item == NULL)
        err = copy_find_value(&replica->copy, change->account.subdomain, &old);
    else if (item->kind == CHANGE_UPDATE)
        old = item->records[0];
    else
        err = ERR_NOT_FOUND; // not yet
    if (err == ERR_OK)
        err = store_apply_update(&w, old, change, &options);
    if (err != ERR_OK)
        return err;
    if (item == NULL) {
        item = new_item(batch, change);
        item->keys[0] = key_of_value(replica->cluster->prefix, change->account.subdomain);
        item->old = keep(batch, old);
        err = item->subdomain.at == NULL || item->old.at == NULL ? ERR_MEMORY : ERR_OK;
    }
    if (err == ERR_OK)
        err = keep_record(batch, &w, &item->records[0]);
    if (err != ERR_OK)
        return err;
    if (item == &batch->items[batch->n])
        batch->n++;
    changes_add(&item->changes, change);
    return ERR_OK;
}

static enum err add_register(struct replica *replica, struct batch *batch, struct change *change)
{
    uint8_t space[RECORD_MAX_BYTES];
    struct key_text account = key_of_account(replica->cluster->prefix, &change->account.username);
    struct key_text value = key_of_value(replica->cluster->prefix, change->account.subdomain);
    if (has_key(batch, &account) || has_key(batch, &value)) // etcd would refuse the whole
        return ERR_EXISTS;
    struct item *item = new_item(batch, change);
    item->keys[0] = account;
    item->keys[1] = value;
    struct writer w = writer_of(space, sizeof space);
    record_write_account(&w, &change->account);
    enum err err = keep_record(batch, &w, &item->records[0]);
    w = writer_of(space, sizeof space);
    record_write_no_values(&w, &change->account.username);
    if (err == ERR_OK)
        err = keep_record(batch, &w, &item->records[1]);
    if (err != ERR_OK)
        return err;
    batch->n++;
    changes_add(&item->changes, change);
    return ERR_OK;
}

// Takes what can go now out of the queue; what cannot be is answered.
static void fill(struct replica *replica, struct batch *batch)
{
    static enum err (*const add[])(struct replica *, struct batch *, struct change *) = {
        [CHANGE_REGISTER] = add_register, [CHANGE_UPDATE] = add_update, [CHANGE_CLEAR] = add_update};
    struct changes later = {0};
    while (batch->n < REPLICA_BATCH_MAX && batch->n_bytes < BATCH_BYTES_MAX) {
        struct change *change = changes_take(&replica->queue);
        if (change == NULL)
            break;
        if (change->revision > replica->copy.seen) { // to be made from a revision that is still to come
            changes_add(&later, change);
            continue;
        }
        change->result = add[change->kind](replica, batch, change);
        if (change->result != ERR_OK)
            change->on_done(change);
    }
    changes_append(&later, &replica->queue);
    replica->queue = later;
}

static void note_size(struct replica *replica, const struct batch *batch)
{
    uint64_t n = 0;
    for (size_t i = 0; i < batch->n; i++)
        n += changes_n(&batch->items[i].changes);
    histogram_note(&replica->histograms->changes, &histogram_of_numbers, n, 1);
}

// -- Its outcome
// --------------------------------------------------------------------------------------------------------------

static void free_batch(struct batch *batch)
{
    if (batch == NULL)
        return;
    arena_free(batch->arena);
    free(batch);
}

static void requeue(struct replica *replica, struct changes *changes)
{
    changes_append(changes, &replica->queue);
    changes_append(&replica->queue, changes);
}

// The comparison failed; `found` is what is there.
static void judge_register(struct replica *replica, struct item *item, const Etcd__KeyValue *found)
{
    bool is_ours = found != NULL && bytes_equal(item->records[0], (struct bytes){found->value.data, found->value.len});
    if (is_ours)
        barrier_add(replica, &item->changes, (uint64_t)found->mod_revision);
    else
        changes_end(&item->changes, ERR_EXISTS);
}

// ERR_CORRUPT: the copy should have known what is there.
static enum err judge_update(struct replica *replica, struct item *item, const Etcd__KeyValue *found)
{
    if (found == NULL) {
        changes_end(&item->changes, ERR_NOT_FOUND);
        return ERR_OK;
    }
    uint64_t revision = (uint64_t)found->mod_revision;
    for (struct change *change = item->changes.first; change != NULL; change = change->next) {
        change->revision = revision;
        count(replica->counters, COUNT_cluster_retries);
    }
    requeue(replica, &item->changes);
    return revision <= replica->batch->seen ? ERR_CORRUPT : ERR_OK;
}

static enum err judge(struct replica *replica, struct item *item, const Etcd__ResponseOp *op, uint64_t revision)
{
    if (op->response_case != ETCD__RESPONSE_OP__RESPONSE_RESPONSE_TXN)
        return ERR_SYNTAX;
    const Etcd__TxnResponse *part = op->response_txn;
    if (part->succeeded) {
        barrier_add(replica, &item->changes, revision);
        return ERR_OK;
    }
    if (part->n_responses != 1 || part->responses[0]->response_case != ETCD__RESPONSE_OP__RESPONSE_RESPONSE_RANGE)
        return ERR_SYNTAX;
    const Etcd__RangeResponse *range = part->responses[0]->response_range;
    const Etcd__KeyValue *found = range->n_kvs == 0 ? NULL : range->kvs[0];
    if (item->kind == CHANGE_UPDATE)
        return judge_update(replica, item, found);
    judge_register(replica, item, found);
    return ERR_OK;
}

static enum err judge_all(struct replica *replica, const Etcd__TxnResponse *answer)
{
    struct batch *batch = replica->batch;
    if (answer == NULL || answer->header == NULL || answer->n_responses != 1 + batch->n)
        return ERR_SYNTAX;
    enum err err = ERR_OK;
    for (size_t i = 0; i < batch->n; i++) {
        enum err one = judge(replica, &batch->items[i], answer->responses[1 + i], (uint64_t)answer->header->revision);
        err = err == ERR_OK ? one : err;
    }
    return err;
}

// Etcd has refused the whole, and would refuse it at every other member.
static bool is_refusal(const struct outcome *outcome)
{
    return outcome->code == GRPC_RESOURCE_EXHAUSTED || outcome->code == GRPC_PERMISSION_DENIED ||
           (outcome->code == GRPC_INVALID_ARGUMENT && strstr(outcome->text, "too large") != NULL);
}

static void refuse(struct replica *replica, const struct outcome *outcome)
{
    enum err err = outcome->code == GRPC_RESOURCE_EXHAUSTED ? ERR_FULL : ERR_STORE;
    struct batch *batch = replica->batch;
    count(replica->counters, COUNT_store_errors);
    log_write(replica->options->log, LOG_ERROR, "cluster.write_refused", LOG_STR("reason", outcome->text),
              LOG_INT("changes", batch->n));
    for (size_t i = 0; i < batch->n; i++)
        changes_end(&batch->items[i].changes, err);
    replica->batch = NULL;
    free_batch(batch);
}

static void on_answer(void *context, const struct outcome *outcome)
{
    struct replica *replica = context;
    if (is_refusal(outcome)) {
        refuse(replica, outcome);
        return;
    }
    if (outcome->code != GRPC_OK) {
        replica_fail(replica, outcome); // what was under way waits again
        return;
    }
    Etcd__TxnResponse *answer = etcd__txn_response__unpack(NULL, outcome->message.n, outcome->message.at);
    enum err err = judge_all(replica, answer);
    etcd__txn_response__free_unpacked(answer, NULL);
    batch_reset(replica); // only what could not be judged is left in it
    if (err == ERR_CORRUPT)
        replica_reload(replica, "the copy is not what etcd holds", NULL);
    else if (err != ERR_OK)
        replica_lose(replica, "etcd gave an unexpected answer", "to a transaction");
}

void batch_turn(struct replica *replica)
{
    if (replica->state != STATE_IN_STEP || replica->batch != NULL || changes_are_none(&replica->queue))
        return;
    struct batch *batch = calloc(1, sizeof *batch);
    enum err err = batch == NULL ? ERR_MEMORY : arena_new(&batch->arena);
    if (err == ERR_OK)
        err = copy_find_begin(&replica->copy);
    if (err == ERR_OK) {
        batch->seen = replica->copy.seen;
        fill(replica, batch);
        copy_find_end(&replica->copy);
        replica->batch = batch;
        bool is_empty = batch->n == 0;
        if (!is_empty) {
            note_size(replica, batch);
            err = txn_send(replica, batch, on_answer);
        }
        if (is_empty || err != ERR_OK)
            batch_reset(replica);
    } else {
        free_batch(batch);
    }
    if (err != ERR_OK)
        changes_end(&replica->queue, err);
}

void batch_reset(struct replica *replica)
{
    struct batch *batch = replica->batch;
    struct changes changes = {0};
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->n; i++)
        changes_append(&changes, &batch->items[i].changes);
    requeue(replica, &changes);
    replica->batch = NULL;
    free_batch(batch);
}

void batch_end_late(struct replica *replica, uint64_t now_ms)
{
    struct changes late = {0};
    for (size_t i = 0; replica->batch != NULL && i < replica->batch->n; i++)
        changes_sift_late(&replica->batch->items[i].changes, now_ms, &late);
    count_many(replica->counters, COUNT_cluster_unreachable, changes_n(&late));
    changes_end(&late, ERR_UNREACHABLE);
}

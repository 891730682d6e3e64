// SPDX-License-Identifier: MIT
// Group commit over etcd. The changes that wait go out as one transaction, whose parts are transactions of their own:
// each compares and writes by itself, so one that is refused leaves the others unharmed. What comes meanwhile makes the
// next one. All parts share one revision, and all replicas learn of them in one message.
//
// Every part is safe to be sent twice. It compares that etcd holds the records it was made from; when etcd does not,
// the change waits until the copy has caught up and is made anew, whereby it may turn out that an earlier attempt has
// succeeded without our knowing. A part that has nothing to write is sent all the same: the transaction's revision is
// one that all replicas must reach, and so one by which they have what is there.
//
// Updates of one subdomain are folded into one record, since a transaction may write a key only once. Other changes of
// an account that is in the batch already wait for the next one.
#include "batch.h"

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

static struct item *find_item(struct batch *batch, const struct account *account)
{
    for (size_t i = 0; i < batch->n; i++)
        if (bytes_equal(batch->items[i].subdomain, account->subdomain) ||
            memcmp(batch->items[i].username.at, account->username.at, sizeof account->username.at) == 0)
            return &batch->items[i];
    return NULL;
}

static enum err look(struct replica *replica, const struct change *change, struct apply_before *before)
{
    enum err err = ERR_OK;
    if (store_apply_reads(change, APPLY_ACCOUNT))
        err = copy_find_account(&replica->copy, &change->account.username, &before->records[APPLY_ACCOUNT]);
    if (err == ERR_OK || err == ERR_NOT_FOUND)
        err = copy_find_value(&replica->copy, change->account.subdomain, &before->records[APPLY_VALUES]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err keep_part(struct batch *batch, struct part *part, struct bytes old, const struct writer *record)
{
    part->is_used = true;
    part->old = keep(batch, old);
    part->record = keep(batch, (struct bytes){record->start, writer_used(record)});
    return part->old.at == NULL || part->record.at == NULL ? ERR_MEMORY : ERR_OK;
}

// A change makes a new item.
static enum err add_item(struct replica *replica, struct batch *batch, struct change *change)
{
    uint8_t spaces[N_APPLY_PARTS][RECORD_MAX_BYTES];
    const struct apply_options options = {.n_values = replica->options->n_values};
    const char *prefix = replica->cluster->prefix;
    struct apply_before before = {0};
    struct apply_after after;
    struct item *item = &batch->items[batch->n];
    for (unsigned part = 0; part < N_APPLY_PARTS; part++)
        after.records[part] = writer_of(spaces[part], sizeof spaces[part]);
    enum err err = look(replica, change, &before);
    if (err == ERR_OK)
        err = store_apply_to(change, &options, &before, &after);
    if (err != ERR_OK)
        return err;
    *item = (struct item){.kind = change->kind,
                          .username = change->account.username,
                          .subdomain = keep(batch, change->account.subdomain)};
    if (item->subdomain.at == NULL)
        return ERR_MEMORY;
    item->parts[APPLY_ACCOUNT].key = key_of_account(prefix, &item->username);
    item->parts[APPLY_VALUES].key = key_of_value(prefix, item->subdomain);
    for (unsigned part = 0; part < N_APPLY_PARTS && err == ERR_OK; part++) {
        if (after.acts[part] == APPLY_DELETE)
            after.records[part].at = after.records[part].start;
        if (after.acts[part] != APPLY_KEEP)
            err = keep_part(batch, &item->parts[part], before.records[part], &after.records[part]);
    }
    if (err != ERR_OK)
        return err;
    batch->n++;
    changes_add(&item->changes, change);
    return ERR_OK;
}

// One more update of values that the item writes already.
static enum err fold(struct replica *replica, struct batch *batch, struct item *item, struct change *change)
{
    uint8_t space[RECORD_MAX_BYTES];
    const struct apply_options options = {.n_values = replica->options->n_values};
    struct part *part = &item->parts[APPLY_VALUES];
    const struct apply_before before = {.records = {[APPLY_VALUES] = part->record}};
    struct apply_after after = {.records = {[APPLY_VALUES] = writer_of(space, sizeof space)}};
    enum err err = store_apply_to(change, &options, &before, &after);
    if (err != ERR_OK)
        return err;
    struct bytes record = keep(batch, (struct bytes){space, writer_used(&after.records[APPLY_VALUES])});
    if (record.at == NULL)
        return ERR_MEMORY;
    part->record = record;
    changes_add(&item->changes, change);
    return ERR_OK;
}

static bool is_foldable(const struct item *item, const struct change *change)
{
    return item->kind == CHANGE_UPDATE && change->kind == CHANGE_UPDATE &&
           bytes_equal(item->subdomain, change->account.subdomain);
}

// Takes what can go now out of the queue; what cannot be is answered.
static void fill(struct replica *replica, struct batch *batch)
{
    struct changes later = {0};
    while (batch->n < REPLICA_BATCH_MAX && batch->n_bytes < BATCH_BYTES_MAX) {
        struct change *change = changes_take(&replica->queue);
        if (change == NULL)
            break;
        struct item *item = find_item(batch, &change->account);
        bool must_wait = change->revision > replica->copy.seen; // for a revision that is still to come
        if (must_wait || (item != NULL && !is_foldable(item, change))) {
            changes_add(&later, change);
            continue;
        }
        change->result = item == NULL ? add_item(replica, batch, change) : fold(replica, batch, item, change);
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

// Whether the comparison may have failed because the copy was behind; if not, the copy should have known.
static bool is_explained(const struct replica *replica, const struct item *item, const Etcd__TxnResponse *part)
{
    size_t n_used = 0, n_there = 0;
    for (size_t i = 0; i < N_APPLY_PARTS; i++)
        n_used += item->parts[i].is_used && item->parts[i].old.n > 0;
    for (size_t i = 0; i < part->n_responses; i++) {
        const Etcd__ResponseOp *op = part->responses[i];
        if (op->response_case != ETCD__RESPONSE_OP__RESPONSE_RESPONSE_RANGE || op->response_range->n_kvs == 0)
            continue;
        n_there++;
        if ((uint64_t)op->response_range->kvs[0]->mod_revision > replica->batch->seen)
            return true;
    }
    return n_there < n_used; // what is gone does not tell since when
}

// The comparison failed: the changes wait until the copy has seen why.
static enum err judge_refused(struct replica *replica, struct item *item, const Etcd__TxnResponse *part,
                              uint64_t revision)
{
    for (struct change *change = item->changes.first; change != NULL; change = change->next) {
        change->revision = revision;
        count(replica->counters, COUNT_cluster_retries);
    }
    requeue(replica, &item->changes);
    return is_explained(replica, item, part) ? ERR_OK : ERR_CORRUPT;
}

// ERR_CORRUPT: the copy is not what etcd holds.
static enum err judge(struct replica *replica, struct item *item, const Etcd__ResponseOp *op, uint64_t revision)
{
    if (op->response_case != ETCD__RESPONSE_OP__RESPONSE_RESPONSE_TXN)
        return ERR_SYNTAX;
    const Etcd__TxnResponse *part = op->response_txn;
    if (!part->succeeded)
        return judge_refused(replica, item, part, revision);
    barrier_add(replica, &item->changes, revision);
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

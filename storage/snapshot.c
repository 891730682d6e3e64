// SPDX-License-Identifier: MIT
// A snapshot holds one LMDB read transaction that is renewed and reset for ever, which costs no allocation; between
// reset and renew it holds no page of the store back. LMDB says which transaction is the last; where its trees are is
// read from its header.
//
// Often nothing has been written since the snapshot before: then it is the same one. When something has, whoever was
// held up may find that the header is that of a later transaction, or is just being written over: which can only be
// when another transaction has been committed meanwhile, by us or by another process. So a new snapshot is begun twice,
// before the header is read and after it, and counts when both are of the same transaction.
//
// What is found is copied out of the snapshot, so a page that the disk fails to give is noticed here and not by whoever
// looks at the record later.
#include "snapshot.h"

#include "header.h"
#include "shield.h"

enum { TRIES = 8 };

static bool is_still_last(const struct snapshot *self, uint64_t txn)
{
    int status = MDB_PANIC;
    if (self->txn != NULL) {
        mdb_txn_reset(self->txn);
        status = mdb_txn_renew(self->txn);
    }
    return status == MDB_PANIC || (status == MDB_SUCCESS && mdb_txn_id(self->txn) == txn); // out of order: none follows
}

static enum err read_snapshot(struct snapshot *self, uint64_t txn)
{
    if (self->is_known && self->pages.txn == txn)
        return ERR_OK;
    self->is_known = false;
    enum err err = header_open(&self->pages, self->env->map, self->env->page_bytes, txn);
    if (!is_still_last(self, txn))
        return ERR_NOT_FOUND;
    for (size_t i = 0; i < ENV_TABLES && err == ERR_OK; i++) {
        err = descent_find_tree(&self->pages, ENV_NAMES[i], &self->trees[i]);
        err = err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    self->is_known = err == ERR_OK;
    return err;
}

struct taking {
    struct snapshot *snapshot;
    enum err err;
};

static void take(void *arg)
{
    struct taking *taking = arg;
    struct snapshot *self = taking->snapshot;
    taking->err = ERR_NOT_FOUND;
    for (unsigned i = 0; i < TRIES && taking->err == ERR_NOT_FOUND; i++) {
        int status = self->txn == NULL ? MDB_PANIC : mdb_txn_renew(self->txn);
        if (status != MDB_SUCCESS && status != MDB_PANIC) {
            taking->err = env_err(status);
            return;
        }
        taking->err = read_snapshot(self, status == MDB_SUCCESS ? mdb_txn_id(self->txn) : env_committed(self->env));
        if (taking->err != ERR_OK && status == MDB_SUCCESS)
            mdb_txn_reset(self->txn);
    }
}

enum err snapshot_begin(struct snapshot *snapshot)
{
    struct taking taking = {snapshot, ERR_OK};
    uv_mutex_lock(&snapshot->latch);
    if (!shield_run(take, &taking)) {
        taking.err = ERR_STORE;
        env_tell_damage(snapshot->env, "its header cannot be read");
    } else if (taking.err == ERR_CORRUPT) {
        env_tell_damage(snapshot->env, "its header or its table of trees is damaged");
    }
    if (taking.err != ERR_OK)
        uv_mutex_unlock(&snapshot->latch);
    return taking.err == ERR_NOT_FOUND ? ERR_STORE : taking.err;
}

void snapshot_end(struct snapshot *snapshot)
{
    if (snapshot->txn != NULL)
        mdb_txn_reset(snapshot->txn);
    uv_mutex_unlock(&snapshot->latch);
}

// --- Look-ups ---

struct finding {
    struct snapshot *snapshot;
    enum env_table table;
    struct descent *descents;
    size_t n;
    struct bytes record;
    enum err err;
};

static void find(void *arg)
{
    struct finding *finding = arg;
    struct snapshot *self = finding->snapshot;
    descent_find(&self->pages, &self->trees[finding->table], finding->descents, finding->n);
}

static void take_record(void *arg)
{
    struct finding *finding = arg;
    const struct bytes found = finding->descents->record;
    uint8_t *space = finding->snapshot->space[finding->table];
    if (found.n > RECORD_MAX_BYTES) {
        finding->err = ERR_CORRUPT;
        return;
    }
    memcpy(space, found.at, found.n);
    finding->record = (struct bytes){space, found.n};
    if (finding->table != ENV_META)
        finding->err = record_unseal(finding->descents->key, &finding->record);
}

static enum err tell_unreadable(const struct finding *finding)
{
    env_tell_damage(finding->snapshot->env, "a page cannot be read");
    return ERR_STORE;
}

static void find_and_take(void *arg)
{
    struct finding *finding = arg;
    find(finding);
    finding->err = finding->descents->err;
    if (finding->err == ERR_OK)
        take_record(finding);
}

static void take_nothing(void *arg)
{
    (void)arg;
}

static enum err run(struct finding *finding, void (*step)(void *finding), struct bytes *record)
{
    if (!shield_run(step, finding))
        return tell_unreadable(finding);
    if (finding->err == ERR_CORRUPT)
        env_tell_damage(finding->snapshot->env, "a page or a record is damaged");
    if (finding->err == ERR_OK)
        *record = finding->record;
    return finding->err;
}

enum err snapshot_find(struct snapshot *snapshot, enum env_table table, struct bytes key, struct bytes *record)
{
    struct descent descent = {.key = key};
    struct finding finding = {.snapshot = snapshot, .table = table, .descents = &descent, .n = 1};
    return run(&finding, find_and_take, record);
}

void snapshot_find_all(struct snapshot *snapshot, enum env_table table, struct descent *descents, size_t n)
{
    struct finding finding = {.snapshot = snapshot, .table = table, .descents = descents, .n = n};
    if (shield_run(find, &finding))
        return;
    for (size_t i = 0; i < n; i++)
        descents[i].err = tell_unreadable(&finding);
}

enum err snapshot_take(struct snapshot *snapshot, enum env_table table, const struct descent *found,
                       struct bytes *record)
{
    struct descent descent = {.key = found->key, .record = found->record};
    struct finding finding = {.snapshot = snapshot, .table = table, .descents = &descent, .err = found->err};
    return run(&finding, found->err == ERR_OK ? take_record : take_nothing, record);
}

enum err snapshot_get_number(struct snapshot *snapshot, const char *name, uint64_t *number)
{
    struct bytes record = {0};
    enum err err = snapshot_find(snapshot, ENV_META, bytes_of_text(name), &record);
    if (err == ERR_OK)
        return env_read_number(record, number);
    if (err == ERR_NOT_FOUND)
        *number = 0;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

// --- Open, close, and in between ---

// It can do without when LMDB has given up already: a revival will come.
static enum err resume(struct snapshot *self)
{
    int status = mdb_txn_begin(self->env->mdb, NULL, MDB_RDONLY, &self->txn);
    if (status == MDB_SUCCESS)
        mdb_txn_reset(self->txn);
    else
        self->txn = NULL;
    return status == MDB_PANIC ? ERR_OK : env_err(status);
}

enum err snapshot_open(struct snapshot *snapshot, struct env *env)
{
    snapshot->env = env;
    snapshot->txn = NULL;
    snapshot->is_known = false;
    if (uv_mutex_init(&snapshot->latch) != 0)
        return ERR_SYSTEM;
    uv_mutex_lock(&env->mutex);
    enum err err = env->mdb == NULL ? ERR_OK : resume(snapshot);
    if (err == ERR_OK) {
        snapshot->next = env->snapshots;
        env->snapshots = snapshot;
    }
    uv_mutex_unlock(&env->mutex);
    if (err != ERR_OK)
        uv_mutex_destroy(&snapshot->latch);
    return err;
}

void snapshot_close(struct snapshot *snapshot)
{
    struct env *env = snapshot->env;
    uv_mutex_lock(&env->mutex);
    struct snapshot **at = &env->snapshots;
    while (*at != snapshot)
        at = &(*at)->next;
    *at = snapshot->next;
    if (snapshot->txn != NULL)
        mdb_txn_abort(snapshot->txn);
    uv_mutex_unlock(&env->mutex);
    uv_mutex_destroy(&snapshot->latch);
}

void snapshot_park_all(struct env *env)
{
    for (struct snapshot *snapshot = env->snapshots; snapshot != NULL; snapshot = snapshot->next) {
        uv_mutex_lock(&snapshot->latch);
        if (snapshot->txn != NULL)
            mdb_txn_abort(snapshot->txn);
        snapshot->txn = NULL;
        uv_mutex_unlock(&snapshot->latch);
    }
}

enum err snapshot_resume_all(struct env *env)
{
    enum err err = ERR_OK;
    for (struct snapshot *snapshot = env->snapshots; snapshot != NULL && err == ERR_OK; snapshot = snapshot->next) {
        uv_mutex_lock(&snapshot->latch);
        err = resume(snapshot);
        uv_mutex_unlock(&snapshot->latch);
    }
    return err;
}

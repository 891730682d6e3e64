// SPDX-License-Identifier: MIT
// Group commit: changes that wait together share a transaction; each is answered once, by itself; and how it ends.
//
// The writer's thread is held inside on_done while changes queue, so what is one group does not depend on timing.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANY = 2500, GROUP_MAX = 1024, N_THREADS = 6, N_EACH = 40 };

static int open_vault(void **state)
{
    struct vault *vault = vault_new();
    expect_ok(vault_open(vault, VAULT_USUAL));
    *state = vault;
    return 0;
}

static int free_vault(void **state)
{
    vault_free(*state);
    return 0;
}

// --- A writer that is held ---

struct gate {
    struct change change; // first: on_done gets its address
    sem_t is_held;
    sem_t may_go;
};

static void on_done_hold(struct change *change)
{
    struct gate *gate = (struct gate *)change;
    sem_post(&gate->is_held);
    sem_wait(&gate->may_go);
}

// From its return on, what is submitted waits until gate_open.
static void gate_close(struct gate *gate, struct vault *vault)
{
    *gate =
        (struct gate){.change = {.kind = CHANGE_REGISTER,
                                 .account = {.username = writing_username("gate"), .subdomain = bytes_of_text("gate")},
                                 .on_done = on_done_hold}};
    assert_int_equal(sem_init(&gate->is_held, 0, 0), 0);
    assert_int_equal(sem_init(&gate->may_go, 0, 0), 0);
    store_submit(vault->store, &gate->change);
    sem_wait(&gate->is_held);
}

static void gate_open(struct gate *gate)
{
    sem_post(&gate->may_go);
}

// Changes that are waited for together.
struct batch {
    sem_t done;
    atomic_uint n_done;
    struct item {
        struct change change; // first: on_done gets its address
        struct batch *batch;
        char subdomain[24];
        unsigned n_calls;
        unsigned place; // in the order in which they were done
    } items[MANY];
};

static void on_done_note(struct change *change)
{
    struct item *item = (struct item *)change;
    item->n_calls++;
    item->place = atomic_fetch_add(&item->batch->n_done, 1);
    sem_post(&item->batch->done);
}

static struct batch *batch_new(void)
{
    struct batch *batch = calloc(1, sizeof *batch);
    assert_non_null(batch);
    assert_int_equal(sem_init(&batch->done, 0, 0), 0);
    return batch;
}

static void batch_submit(struct batch *batch, size_t i, struct vault *vault, enum change_kind kind)
{
    struct item *item = &batch->items[i];
    item->batch = batch;
    item->change.kind = kind;
    item->change.account.username = writing_username(item->subdomain);
    item->change.account.subdomain = bytes_of_text(item->subdomain);
    item->change.account.created_s = i; // never twice the same account
    item->change.rdata = (struct bytes){(const uint8_t *)"\5value", 6};
    item->change.on_done = on_done_note;
    store_submit(vault->store, &item->change);
}

static void batch_wait(struct batch *batch, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sem_wait(&batch->done);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(batch->items[i].n_calls, 1);
}

// --- Groups ---

static void changes_that_wait_share_one_commit_and_are_done_in_order(void **state)
{
    struct vault *vault = *state;
    struct batch *batch = batch_new();
    struct gate gate;
    gate_close(&gate, vault);
    assert_int_equal(vault_count(vault, COUNT_commits), 1);
    for (size_t i = 0; i < 500; i++) {
        snprintf(batch->items[i].subdomain, sizeof batch->items[i].subdomain, "sub-%zu", i);
        batch_submit(batch, i, vault, CHANGE_REGISTER);
    }
    gate_open(&gate);
    batch_wait(batch, 500);
    for (size_t i = 0; i < 500; i++) {
        expect_ok(batch->items[i].change.result);
        assert_int_equal(batch->items[i].place, i);
    }
    assert_int_equal(vault_count(vault, COUNT_commits), 2);
    assert_int_equal(vault_count(vault, COUNT_changes), 501);
    assert_int_equal(vault_revision(vault), 501);
    vault_expect_values(vault, "sub-499", "");
    free(batch);
}

static void a_long_queue_is_cut_into_groups(void **state)
{
    struct vault *vault = *state;
    struct batch *batch = batch_new();
    struct gate gate;
    gate_close(&gate, vault);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(batch->items[i].subdomain, sizeof batch->items[i].subdomain, "sub-%zu", i);
        batch_submit(batch, i, vault, CHANGE_REGISTER);
    }
    gate_open(&gate);
    batch_wait(batch, MANY);
    assert_int_equal(vault_count(vault, COUNT_commits), 1 + (MANY + GROUP_MAX - 1) / GROUP_MAX);
    assert_int_equal(vault_revision(vault), 1 + MANY);
    free(batch);
}

static void a_change_that_is_refused_does_not_harm_its_group(void **state)
{
    struct vault *vault = *state;
    static const struct {
        enum change_kind kind;
        const char *subdomain;
        enum err err;
    } rows[] = {
        {CHANGE_UPDATE, "a", ERR_NOT_FOUND},   {CHANGE_REGISTER, "a", ERR_OK},      {CHANGE_REGISTER, "a", ERR_EXISTS},
        {CHANGE_UPDATE, "a", ERR_OK},          {CHANGE_UPDATE, "b", ERR_NOT_FOUND}, {CHANGE_REGISTER, "b", ERR_OK},
        {CHANGE_REGISTER, "gate", ERR_EXISTS},
    };
    struct batch *batch = batch_new();
    struct gate gate;
    gate_close(&gate, vault);
    for (size_t i = 0; i < N_OF(rows); i++) {
        strcpy(batch->items[i].subdomain, rows[i].subdomain);
        batch_submit(batch, i, vault, rows[i].kind);
    }
    gate_open(&gate);
    batch_wait(batch, N_OF(rows));
    for (size_t i = 0; i < N_OF(rows); i++)
        expect_err(batch->items[i].change.result, rows[i].err);
    vault_expect_values(vault, "a", " value");
    vault_expect_values(vault, "b", "");
    assert_int_equal(vault_revision(vault), 4);
    assert_int_equal(vault_count(vault, COUNT_commits), 2);
    assert_int_equal(vault_count(vault, COUNT_changes), 4);
    assert_int_equal(vault_count(vault, COUNT_store_errors), 0);
    free(batch);
}

static void a_group_of_refusals_commits_nothing(void **state)
{
    struct vault *vault = *state;
    for (unsigned i = 0; i < 10; i++)
        expect_err(writing_update(vault->store, "missing", "x"), ERR_NOT_FOUND);
    assert_int_equal(vault_count(vault, COUNT_commits), 0);
    assert_int_equal(vault_revision(vault), 0);
    assert_true(store_is_writable(vault->store));
}

// --- Many threads ---

struct writer_thread {
    pthread_t thread;
    struct vault *vault;
    char subdomain[24];
};

// A null pointer when all went well: cmocka's assertions belong to the main thread.
static void *write_much(void *argument)
{
    struct writer_thread *self = argument;
    char value[24];
    bool is_well = writing_register(self->vault->store, self->subdomain) == ERR_OK;
    for (unsigned i = 0; i < N_EACH; i++) {
        snprintf(value, sizeof value, "%u", i);
        is_well &= writing_update(self->vault->store, self->subdomain, value) == ERR_OK;
    }
    return is_well ? NULL : self;
}

// Reads what the threads write: whatever the moment, a snapshot makes sense in itself.
static void *read_much(void *argument)
{
    struct vault *vault = argument;
    struct store_reader *reader;
    uint64_t last = 0;
    if (store_reader_open(&reader, vault->store) != ERR_OK)
        return vault;
    bool is_well = true;
    while (is_well && last < N_THREADS * (1 + N_EACH)) {
        is_well &= store_begin(reader) == ERR_OK;
        uint64_t revision = store_revision(reader);
        struct txt txt;
        enum err err = store_find_txt(reader, bytes_of_text("thread-0"), &txt);
        is_well &= revision >= last && (err == ERR_OK ? txt.n_values <= 2 : err == ERR_NOT_FOUND);
        last = revision;
        store_end(reader);
    }
    store_reader_close(reader);
    return is_well ? NULL : vault;
}

static void expect_well(pthread_t thread)
{
    void *failed;
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
}

static void many_threads_write_while_another_reads(void **state)
{
    struct vault *vault = *state;
    struct writer_thread writers[N_THREADS];
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_much, vault), 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        writers[i].vault = vault;
        snprintf(writers[i].subdomain, sizeof writers[i].subdomain, "thread-%u", i);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_much, &writers[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++)
        expect_well(writers[i].thread);
    expect_well(reader);
    for (unsigned i = 0; i < N_THREADS; i++)
        vault_expect_values(vault, writers[i].subdomain, " 38 39");
    assert_int_equal(vault_revision(vault), N_THREADS * (1 + N_EACH));
    assert_in_range(vault_count(vault, COUNT_commits), 1, N_THREADS * (1 + N_EACH));
}

// --- The end ---

static void closing_commits_what_waits(void **state)
{
    struct vault *vault = *state;
    struct batch *batch = batch_new();
    for (size_t i = 0; i < 100; i++) {
        snprintf(batch->items[i].subdomain, sizeof batch->items[i].subdomain, "sub-%zu", i);
        batch_submit(batch, i, vault, CHANGE_REGISTER);
    }
    vault_close(vault);
    batch_wait(batch, 100);
    for (size_t i = 0; i < 100; i++)
        expect_ok(batch->items[i].change.result);
    expect_ok(vault_open(vault, VAULT_USUAL));
    assert_int_equal(vault_revision(vault), 100);
    free(batch);
}

struct persistent {
    struct change change; // first: on_done gets its address
    struct store *store;
    sem_t has_begun;
    enum err last;
};

static void on_done_again(struct change *change)
{
    struct persistent *self = (struct persistent *)change;
    sem_post(&self->has_begun);
    self->last = change->result;
    if (change->result == ERR_OK)
        store_submit(self->store, change);
}

// It goes on submitting from on_done until it is told to stop.
static void what_is_submitted_after_the_end_is_told_so(void **state)
{
    struct vault *vault = *state;
    expect_ok(writing_register(vault->store, "sub"));
    struct persistent self = {
        .change = {.kind = CHANGE_UPDATE,
                   .account = {.username = writing_username("sub"), .subdomain = bytes_of_text("sub")},
                   .rdata = {(const uint8_t *)"\1x", 2},
                   .on_done = on_done_again},
        .store = vault->store};
    assert_int_equal(sem_init(&self.has_begun, 0, 0), 0);
    store_submit(vault->store, &self.change);
    sem_wait(&self.has_begun);
    vault_close(vault);
    expect_err(self.last, ERR_STOPPING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_that_wait_share_one_commit_and_are_done_in_order, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(a_long_queue_is_cut_into_groups, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_change_that_is_refused_does_not_harm_its_group, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_group_of_refusals_commits_nothing, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(many_threads_write_while_another_reads, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(closing_commits_what_waits, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(what_is_submitted_after_the_end_is_told_so, open_vault, free_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

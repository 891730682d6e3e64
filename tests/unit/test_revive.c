// SPDX-License-Identifier: MIT
// A disk that fails: what could not be written is refused and leaves no trace, reading goes on, and when the disk is
// well again so is the store, without a restart.
//
// LMDB and the store write by three functions of the C library; here the linker finds these first.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADERS_END = 2 * 4096, DEADLINE_S = 20 };

// An error number makes the call fail with it.
static struct {
    _Atomic int pages;
    _Atomic int headers; // pages 0 and 1
    _Atomic int sync;
    _Atomic bool is_header_written; // although it is said to have failed
    _Atomic bool is_short;          // half of a header is written
} disk;

static ssize_t refuse(int number)
{
    errno = number;
    return -1;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    if (disk.is_short && at < HEADERS_END)
        return syscall(SYS_pwrite64, fd, data, n / 2, at);
    if (at < HEADERS_END) {
        if (disk.headers != 0 && disk.is_header_written)
            syscall(SYS_pwrite64, fd, data, n, at);
        if (disk.headers != 0)
            return refuse(disk.headers);
    } else if (disk.pages != 0) {
        return refuse(disk.pages);
    }
    return syscall(SYS_pwrite64, fd, data, n, at);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    return disk.pages != 0 ? refuse(disk.pages) : syscall(SYS_writev, fd, parts, n);
}

int fdatasync(int fd)
{
    return (int)(disk.sync != 0 ? refuse(disk.sync) : syscall(SYS_fdatasync, fd));
}

static void heal(void)
{
    disk.pages = disk.headers = disk.sync = 0;
    disk.is_header_written = disk.is_short = false;
}

static int open_vault(void **state)
{
    struct vault *vault = vault_new();
    heal();
    expect_ok(vault_open(vault, VAULT_USUAL));
    expect_ok(writing_register(vault->store, "name"));
    expect_ok(writing_update(vault->store, "name", "kept"));
    *state = vault;
    return 0;
}

static int free_vault(void **state)
{
    heal();
    vault_free(*state);
    return 0;
}

static unsigned count_lines(const char *log, const char *event)
{
    unsigned n = 0;
    for (const char *at = log; (at = strstr(at, event)) != NULL; at++)
        n++;
    return n;
}

// Whatever is written fails with `wanted`, and nobody who reads notices.
static void expect_refusals(struct vault *vault, enum err wanted)
{
    for (unsigned i = 0; i < 3; i++) {
        expect_err(writing_update(vault->store, "name", "refused"), wanted);
        assert_false(store_is_writable(vault->store));
        vault_expect_values(vault, "name", " kept");
        expect_err(writing_register(vault->store, "other"), wanted);
        vault_expect_values(vault, "other", "-");
        assert_int_equal(vault_revision(vault), 2);
    }
}

static void expect_recovery(struct vault *vault)
{
    expect_ok(writing_update(vault->store, "name", "new"));
    assert_true(store_is_writable(vault->store));
    expect_ok(writing_register(vault->store, "other"));
    vault_expect_values(vault, "name", " kept new");
    vault_expect_values(vault, "other", "");
    vault_close(vault);
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "name", " kept new");
    vault_expect_values(vault, "other", "");
    assert_int_equal(vault_revision(vault), 4);
}

static void pages_that_cannot_be_written_are_refused_until_they_can(void **state)
{
    disk.pages = EIO;
    expect_refusals(*state, ERR_STORE);
    heal();
    expect_recovery(*state);
}

static void a_full_disk_refuses_until_there_is_room(void **state)
{
    disk.pages = ENOSPC;
    expect_refusals(*state, ERR_FULL);
    disk.pages = EFBIG;
    expect_refusals(*state, ERR_FULL);
    heal();
    expect_recovery(*state);
}

static void a_sync_that_fails_refuses_what_was_not_synced(void **state)
{
    disk.sync = EIO;
    expect_refusals(*state, ERR_STORE);
    heal();
    expect_recovery(*state);
}

static void a_header_that_cannot_be_written_is_survived(void **state)
{
    struct vault *vault = *state;
    disk.headers = EIO;
    expect_refusals(vault, ERR_STORE);
    char *log = vault_take_log(vault);
    assert_int_equal(count_lines(log, " store.refused "), 1); // the revival, once, however often it is tried
    assert_int_equal(count_lines(log, " store.revived "), 0);
    free(log);
    heal();
    expect_recovery(vault);
    log = vault_take_log(vault);
    assert_int_equal(count_lines(log, " store.revived "), 1);
    assert_int_equal(count_lines(log, " store.recovered"), 1);
    free(log);
}

// The sync of a header fails when the header is in the page cache already, or even on the disk.
static void a_header_that_was_written_after_all_is_taken_back(void **state)
{
    struct vault *vault = *state;
    disk.is_header_written = true;
    disk.headers = EIO;
    expect_refusals(vault, ERR_STORE);
    heal();
    vault_expect_values(vault, "name", " kept");
    expect_recovery(vault);
}

// LMDB writes its two headers in turn.
static void a_single_failure_is_survived_at_either_header(void **state)
{
    struct vault *vault = *state;
    static const char *const values[] = {" kept", " kept 0", " 0 1", " 1 2", " 2 3", " 3 4", " 4 5"};
    for (unsigned i = 0; i < 6; i++) {
        disk.headers = i % 3 == 0 ? ENOSPC : EIO;
        disk.is_header_written = i % 2 == 0;
        expect_err(writing_update(vault->store, "name", "refused"), i % 3 == 0 ? ERR_FULL : ERR_STORE);
        heal();
        vault_expect_values(vault, "name", values[i]);
        expect_ok(writing_update(vault->store, "name", values[i + 1] + strlen(values[i + 1]) - 1));
        vault_expect_values(vault, "name", values[i + 1]);
    }
}

static void it_recovers_without_being_asked(void **state)
{
    struct vault *vault = *state;
    disk.headers = EIO;
    expect_refusals(vault, ERR_STORE);
    heal();
    for (unsigned i = 0; i < DEADLINE_S * 100 && !store_is_writable(vault->store); i++)
        usleep(10000);
    assert_true(store_is_writable(vault->store));
    vault_expect_values(vault, "name", " kept");
    assert_int_equal(vault_revision(vault), 2);
    expect_recovery(vault);
}

static void it_stops_while_the_disk_fails_and_opens_when_it_is_well(void **state)
{
    struct vault *vault = *state;
    disk.headers = EIO;
    expect_refusals(vault, ERR_STORE);
    vault_close(vault);
    heal();
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "name", " kept");
    expect_recovery(vault);
}

static void half_written_headers_are_taken_back(void **state)
{
    struct vault *vault = *state;
    disk.is_short = true;
    expect_refusals(vault, ERR_STORE);
    vault_close(vault);
    heal();
    expect_ok(vault_open(vault, VAULT_USUAL));
    vault_expect_values(vault, "name", " kept");
    expect_recovery(vault);
}

static void a_store_that_could_not_be_made_is_made_when_there_is_room(void **)
{
    struct vault *vault = vault_new();
    disk.is_short = true;
    expect_err(vault_open(vault, VAULT_USUAL), ERR_FULL);
    heal();
    expect_ok(vault_open(vault, VAULT_USUAL));
    expect_ok(writing_register(vault->store, "name"));
    vault_free(vault);
}

// -- Readers on other threads
// ----------------------------------------------------------------------------------------------

struct observer {
    struct store *store;
    _Atomic bool is_over;
    _Atomic uint64_t n_looks;
    uint64_t n_failed;
    pthread_t thread;
};

static void *observe(void *arg)
{
    struct observer *self = arg;
    struct store_reader *reader;
    struct txt txt;
    expect_ok(store_reader_open(&reader, self->store));
    while (!self->is_over) {
        bool is_there = store_begin(reader) == ERR_OK;
        if (is_there) {
            is_there = store_find_txt(reader, bytes_of_text("name"), &txt) == ERR_OK && txt.n_values != 0;
            store_end(reader);
        }
        self->n_failed += !is_there;
        self->n_looks++;
    }
    store_reader_close(reader);
    return NULL;
}

static void readers_on_other_threads_never_miss_a_value(void **state)
{
    enum { N = 2, ROUNDS = 50 };
    struct vault *vault = *state;
    struct observer observers[N];
    for (unsigned i = 0; i < N; i++) {
        observers[i] = (struct observer){.store = vault->store};
        assert_int_equal(pthread_create(&observers[i].thread, NULL, observe, &observers[i]), 0);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t n_before = observers[0].n_looks;
        disk.headers = EIO;
        expect_err(writing_update(vault->store, "name", "refused"), ERR_STORE);
        expect_err(writing_update(vault->store, "name", "refused"), ERR_STORE);
        while (observers[0].n_looks < n_before + 10)
            usleep(100);
        heal();
        expect_ok(writing_update(vault->store, "name", i % 2 == 0 ? "even" : "odd"));
    }
    for (unsigned i = 0; i < N; i++) {
        observers[i].is_over = true;
        assert_int_equal(pthread_join(observers[i].thread, NULL), 0);
        assert_int_equal(observers[i].n_failed, 0);
    }
    vault_expect_values(vault, "name", " even odd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_that_cannot_be_written_are_refused_until_they_can, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(a_full_disk_refuses_until_there_is_room, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_sync_that_fails_refuses_what_was_not_synced, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_header_that_cannot_be_written_is_survived, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_header_that_was_written_after_all_is_taken_back, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(a_single_failure_is_survived_at_either_header, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(it_recovers_without_being_asked, open_vault, free_vault),
        cmocka_unit_test_setup_teardown(it_stops_while_the_disk_fails_and_opens_when_it_is_well, open_vault,
                                        free_vault),
        cmocka_unit_test_setup_teardown(half_written_headers_are_taken_back, open_vault, free_vault),
        cmocka_unit_test(a_store_that_could_not_be_made_is_made_when_there_is_room),
        cmocka_unit_test_setup_teardown(readers_on_other_threads_never_miss_a_value, open_vault, free_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

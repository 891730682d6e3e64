// SPDX-License-Identifier: MIT
// The hasher's threads, its bounded queue, and the inbox that brings jobs back to the loop.
#include "hasher.h"

#include "expect.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_JOBS = 24 };

static const struct secret_cost CHEAP = {.memory_kib = 16, .n_passes = 1, .n_lanes = 1};
static const struct secret_cost DEAR = {.memory_kib = 16 * 1024, .n_passes = 4, .n_lanes = 1};

struct desk {
    uv_loop_t loop;
    struct inbox *inbox;
    struct hasher *hasher;
    struct hash_job jobs[N_JOBS];
    int n_back;
    int n_batches;
    pthread_t loop_thread;
};

static void on_emptied(void *context)
{
    struct desk *desk = context;
    desk->n_batches++;
}

static void on_back(void *owner)
{
    struct desk *desk = owner;
    assert_true(pthread_equal(pthread_self(), desk->loop_thread));
    desk->n_back++;
}

static void open_desk(struct desk *desk, struct secret_cost cost, size_t n_threads, size_t n_queue)
{
    *desk = (struct desk){.loop_thread = pthread_self()};
    assert_int_equal(uv_loop_init(&desk->loop), 0);
    expect_ok(inbox_open(&desk->inbox, &desk->loop, on_emptied, desk));
    const struct hasher_options options = {desk->inbox, cost, n_threads, n_queue};
    expect_ok(hasher_start(&desk->hasher, &options));
}

static void wait_for(struct desk *desk, int n)
{
    while (desk->n_back < n)
        uv_run(&desk->loop, UV_RUN_ONCE);
}

static void on_closed(void *context)
{
    bool *is_closed = context;
    *is_closed = true;
}

static void close_desk(struct desk *desk)
{
    bool is_closed = false;
    hasher_stop(desk->hasher);
    inbox_close(desk->inbox, on_closed, &is_closed);
    uv_run(&desk->loop, UV_RUN_DEFAULT);
    assert_true(is_closed);
    assert_int_equal(uv_loop_close(&desk->loop), 0);
}

static struct hash_job *fill(struct desk *desk, int i, enum hash_kind kind, const char *password)
{
    struct hash_job *job = &desk->jobs[i];
    job->kind = kind;
    strcpy(job->password, password);
    job->letter = (struct letter){.on_open = on_back, .owner = desk};
    return job;
}

static void a_password_that_was_hashed_is_verified_and_another_is_not(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, CHEAP, 2, N_JOBS);
    expect_ok(hasher_submit(desk.hasher, fill(&desk, 0, HASH_MAKE, "secret")));
    wait_for(&desk, 1);
    expect_ok(desk.jobs[0].result);
    for (int i = 1; i < 4; i++) {
        struct hash_job *job = fill(&desk, i, HASH_CHECK, i == 2 ? "Secret" : "secret");
        strcpy(job->hash, i == 3 ? "$2a$10$not-argon2" : desk.jobs[0].hash);
        expect_ok(hasher_submit(desk.hasher, job));
    }
    wait_for(&desk, 4);
    expect_ok(desk.jobs[1].result);
    expect_err(desk.jobs[2].result, ERR_FORBIDDEN);
    expect_err(desk.jobs[3].result, ERR_CORRUPT);
    close_desk(&desk);
}

static void all_jobs_come_back_once(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, CHEAP, 4, N_JOBS);
    for (int i = 0; i < N_JOBS; i++)
        expect_ok(hasher_submit(desk.hasher, fill(&desk, i, HASH_MAKE, "secret")));
    wait_for(&desk, N_JOBS);
    for (int i = 0; i < N_JOBS; i++)
        expect_ok(desk.jobs[i].result);
    assert_int_equal(desk.n_back, N_JOBS);
    assert_in_range(desk.n_batches, 1, N_JOBS);
    close_desk(&desk);
}

static void what_does_not_fit_into_the_queue_is_refused(void **state)
{
    (void)state;
    struct desk desk;
    int n_taken = 0;
    open_desk(&desk, DEAR, 1, 2);
    for (int i = 0; i < N_JOBS; i++) {
        enum err err = hasher_submit(desk.hasher, fill(&desk, i, HASH_MAKE, "secret"));
        if (err == ERR_OK)
            n_taken++;
        else
            expect_err(err, ERR_BUSY);
    }
    assert_in_range(n_taken, 2, N_JOBS - 1); // two wait, and those that a thread was quick enough to take
    wait_for(&desk, n_taken);
    expect_ok(hasher_submit(desk.hasher, fill(&desk, 0, HASH_MAKE, "secret")));
    wait_for(&desk, n_taken + 1);
    close_desk(&desk);
}

static void cancelling_gives_back_what_waits_and_refuses_more(void **state)
{
    (void)state;
    struct desk desk;
    int n_stopped = 0;
    open_desk(&desk, DEAR, 1, N_JOBS);
    for (int i = 0; i < N_JOBS; i++)
        expect_ok(hasher_submit(desk.hasher, fill(&desk, i, HASH_MAKE, "secret")));
    hasher_cancel(desk.hasher);
    wait_for(&desk, N_JOBS);
    for (int i = 0; i < N_JOBS; i++)
        n_stopped += desk.jobs[i].result == ERR_STOPPING;
    assert_in_range(n_stopped, 1, N_JOBS);
    expect_err(hasher_submit(desk.hasher, fill(&desk, 0, HASH_MAKE, "secret")), ERR_STOPPING);
    hasher_cancel(desk.hasher);
    close_desk(&desk);
}

// Field 19 of /proc/PID/task/TID/stat (proc(5)) is the thread's nice value; fields are counted from behind the name's
// ')'.
static int nice_of(const char *thread)
{
    char text[512] = "";
    snprintf(text, sizeof text, "/proc/self/task/%s/stat", thread);
    FILE *file = fopen(text, "r");
    if (file == NULL)
        return 0;
    char *rest = fgets(text, sizeof text, file) == NULL ? NULL : strrchr(text, ')');
    fclose(file);
    for (int field = 2; rest != NULL && field < 19; field++)
        rest = strchr(rest + 1, ' ');
    return rest == NULL ? 0 : atoi(rest + 1);
}

static int count_nice(void)
{
    int n = 0;
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
        n += entry->d_name[0] != '.' && nice_of(entry->d_name) == 10;
    closedir(threads);
    return n;
}

static void its_threads_run_at_a_lower_priority(void **state)
{
    (void)state;
    struct desk desk;
    const int before = count_nice(); // the test may have been started with nice
    open_desk(&desk, CHEAP, 2, N_JOBS);
    for (int patience = 20000; count_nice() != before + 2;) {
        assert_true(patience-- > 0);
        usleep(1000);
    }
    close_desk(&desk);
}

static void a_hasher_that_was_never_used_stops(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, CHEAP, 3, 1);
    close_desk(&desk);
    hasher_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_that_was_hashed_is_verified_and_another_is_not),
        cmocka_unit_test(all_jobs_come_back_once),
        cmocka_unit_test(what_does_not_fit_into_the_queue_is_refused),
        cmocka_unit_test(cancelling_gives_back_what_waits_and_refuses_more),
        cmocka_unit_test(its_threads_run_at_a_lower_priority),
        cmocka_unit_test(a_hasher_that_was_never_used_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Connections: bodies too long or in pieces, clients that go away, limits, and the end.
#include "expect.h"
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_body_too_long_is_413_and_the_connection_goes_on(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "body_max_bytes = 1024");
    int fd = rig_connect(&rig);
    char piece[1001];
    memset(piece, ' ', 1000);
    piece[1000] = '\0';
    rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n");
    for (int i = 0; i < 3; i++)
        rig_say(fd, piece);
    rig_hear(fd, &reply);
    assert_int_equal(reply.status, 413);
    assert_string_equal(reply.body, "{\"error\": \"body_too_large\"}");
    rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        rig_say(fd, "3e8\r\n");
        rig_say(fd, piece);
        rig_say(fd, "\r\n");
    }
    rig_say(fd, "0\r\n\r\n");
    rig_hear(fd, &reply);
    assert_int_equal(reply.status, 413);
    rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    rig_say(fd, piece);
    rig_hear(fd, &reply);
    assert_int_equal(reply.status, 201);
    close(fd);
    rig_close(&rig);
}

static void who_asks_before_sending_is_told_at_once(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "body_max_bytes = 1024");
    rig_ask(&rig, "POST /register HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n", &reply);
    assert_int_equal(reply.status, 413);
    rig_ask(&rig, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n", &reply);
    assert_int_equal(reply.status, 413);
    int fd = rig_connect(&rig);
    rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    rig_hear(fd, &reply);
    assert_int_equal(reply.status, 100);
    rig_say(fd, "{}");
    rig_hear(fd, &reply);
    assert_int_equal(reply.status, 201);
    close(fd);
    rig_close(&rig);
}

static void a_body_without_end_is_cut_off(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, "body_max_bytes = 1024");
    int fd = rig_connect(&rig);
    rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n");
    char piece[4096];
    memset(piece, ' ', sizeof piece);
    size_t n_sent = 0;
    for (ssize_t n; n_sent < 64 << 20 && (n = write(fd, piece, sizeof piece)) > 0;)
        n_sent += (size_t)n;
    assert_in_range(n_sent, 1 << 20, (64 << 20) - 1);
    close(fd);
    rig_close(&rig);
}

static void a_request_may_come_byte_by_byte_and_several_at_once(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account;
    rig_open(&rig, "");
    rig_register(&rig, "", &account);
    char request[512];
    const char *body = rig_update_body(&account, RIG_TXT);
    snprintf(request, sizeof request,
             "POST /update HTTP/1.1\r\nHost: x\r\nX-Api-User: %s\r\nX-Api-Key: %s\r\nContent-Length: %zu\r\n\r\n%s",
             account.username, account.password, strlen(body), body);
    int fd = rig_connect(&rig);
    for (const char *c = request; *c != '\0'; c++)
        rig_say(fd, (const char[]){*c, '\0'});
    rig_hear(fd, &reply);
    assert_int_equal(reply.status, 200);
    for (int i = 0; i < 3; i++)
        rig_say(fd, request);
    rig_say(fd, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        rig_hear(fd, &reply);
        assert_string_equal(reply.body, "{\"txt\": \"" RIG_TXT "\"}");
    }
    rig_hear(fd, &reply);
    assert_memory_equal(reply.body, "{\"ready\":true", 13);
    close(fd);
    rig_close(&rig);
}

static void a_client_that_goes_away_meanwhile_harms_nobody(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account;
    rig_open(&rig, "argon2_memory_kib = 8192\nargon2_passes = 4");
    const struct linger reset = {.l_onoff = 1};
    for (int i = 0; i < 30; i++) {
        int fd = rig_connect(&rig);
        rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        if (i % 3 == 1)
            shutdown(fd, SHUT_RDWR);
        if (i % 3 == 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (i % 2 == 1)
            rig_wait_count(&rig, COUNT_hashes, (uint64_t)i / 3 + 1);
        close(fd);
    }
    rig_register(&rig, "", &account);
    rig_update(&rig, &account, rig_update_body(&account, RIG_TXT), &reply);
    assert_int_equal(reply.status, 200);
    rig_close(&rig);
}

static void a_connection_that_is_silent_is_closed(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, "idle_s = 1");
    int silent = rig_connect(&rig);
    int half = rig_connect(&rig);
    rig_say(half, "POST /register HTTP/1.1\r\nContent-");
    assert_true(rig_is_closed(silent));
    assert_true(rig_is_closed(half));
    close(silent);
    close(half);
    rig_close(&rig);
}

static void beyond_the_connection_limit_clients_wait(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "connections = 2");
    int first = rig_connect(&rig), second = rig_connect(&rig), third = rig_connect(&rig);
    rig_say(first, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(first, &reply);
    rig_say(second, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(second, &reply);
    rig_say(third, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    close(first);
    rig_hear(third, &reply);
    assert_int_equal(reply.status, 200);
    close(second);
    close(third);
    rig_close(&rig);
}

static void when_the_hash_queue_is_full_the_answer_is_503(void **state)
{
    (void)state;
    enum { N = 16 };
    struct rig rig;
    struct reply reply;
    int fds[N], n_busy = 0;
    rig_open(&rig, "hash_threads = 1\nhash_queue = 1\nargon2_memory_kib = 32768\nargon2_passes = 8");
    for (int i = 0; i < N; i++) {
        fds[i] = rig_connect(&rig);
        rig_say(fds[i], i % 2 == 0
                            ? "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                            : "POST /update HTTP/1.1\r\nHost: x\r\nX-Api-User: " RIG_NOBODY "\r\n"
                              "X-Api-Key: 0123456789012345678901234567890123456789\r\nContent-Length: 0\r\n\r\n");
    }
    for (int i = 0; i < N; i++) {
        rig_hear(fds[i], &reply);
        close(fds[i]);
        if (reply.status == (i % 2 == 0 ? 201 : 401))
            continue;
        n_busy++;
        assert_int_equal(reply.status, 503);
        rig_expect(reply.head, "\r\nRetry-After: ");
        assert_string_equal(reply.body, "{\"error\": \"busy\"}");
    }
    assert_in_range(n_busy, 1, N - 1);
    assert_int_equal(rig_count(&rig, COUNT_hash_busy), n_busy);
    assert_true(RIG_HAS_LOGGED(&rig, " warn register.refused", "reason=busy"));
    rig_close(&rig);
}

static void what_is_in_flight_is_answered_before_the_end(void **state)
{
    (void)state;
    enum { N = 6 };
    struct rig rig;
    struct reply reply;
    int fds[N];
    rig_open(&rig, "argon2_memory_kib = 8192\nargon2_passes = 2");
    int idle = rig_connect(&rig);
    rig_say(idle, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(idle, &reply);
    for (int i = 0; i < N; i++) {
        fds[i] = rig_connect(&rig);
        rig_say(fds[i], "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    }
    rig_wait_count(&rig, COUNT_hashes, N);
    rig_stop(&rig, 20000);
    for (int i = 0; i < N; i++) {
        rig_hear(fds[i], &reply);
        assert_int_equal(reply.status, 201);
        assert_true(rig_is_closed(fds[i]));
        close(fds[i]);
    }
    assert_true(rig_is_closed(idle));
    close(idle);
    assert_false(RIG_HAS_LOGGED(&rig, "api.deadline"));
    rig_close(&rig);
}

static void nobody_new_is_let_in_while_it_drains(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "");
    int fd = rig_connect(&rig);
    rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{");
    int probe = rig_connect(&rig);
    rig_say(probe, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(probe, &reply); // by now the half request has been seen too
    rig_begin_stop(&rig, 20000);
    while (!rig_is_refused(&rig))
        usleep(1000);
    rig_say(fd, "}");
    rig_hear(fd, &reply);
    assert_int_equal(reply.status, 201);
    rig_expect(reply.head, "\r\nConnection: close\r\n");
    assert_true(rig_is_closed(fd));
    close(fd);
    close(probe);
    rig_end_stop(&rig);
    rig_close(&rig);
}

static void at_the_deadline_the_rest_is_broken_off(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, "");
    int fd = rig_connect(&rig);
    rig_say(fd, "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{");
    struct reply reply;
    int probe = rig_connect(&rig);
    rig_say(probe, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_hear(probe, &reply);
    rig_stop(&rig, 50);
    assert_true(rig_is_closed(fd));
    assert_true(RIG_HAS_LOGGED(&rig, "api.deadline", "requests=1", "waiting=0"));
    close(fd);
    close(probe);
    rig_close(&rig);
}

static void at_the_deadline_checks_that_wait_are_answered_503(void **state)
{
    (void)state;
    enum { N = 12 };
    struct rig rig;
    struct reply reply;
    int fds[N], n_stopped = 0;
    rig_open(&rig, "hash_threads = 1\nargon2_memory_kib = 32768\nargon2_passes = 8");
    for (int i = 0; i < N; i++) {
        fds[i] = rig_connect(&rig);
        rig_say(fds[i], "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    }
    rig_wait_count(&rig, COUNT_hashes, N);
    rig_stop(&rig, 1);
    for (int i = 0; i < N; i++) {
        rig_hear(fds[i], &reply);
        close(fds[i]);
        if (reply.status == 201)
            continue;
        n_stopped++;
        assert_int_equal(reply.status, 503);
        assert_string_equal(reply.body, "{\"error\": \"stopping\"}");
    }
    assert_in_range(n_stopped, 1, N);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_too_long_is_413_and_the_connection_goes_on),
        cmocka_unit_test(who_asks_before_sending_is_told_at_once),
        cmocka_unit_test(a_body_without_end_is_cut_off),
        cmocka_unit_test(a_request_may_come_byte_by_byte_and_several_at_once),
        cmocka_unit_test(a_client_that_goes_away_meanwhile_harms_nobody),
        cmocka_unit_test(a_connection_that_is_silent_is_closed),
        cmocka_unit_test(beyond_the_connection_limit_clients_wait),
        cmocka_unit_test(when_the_hash_queue_is_full_the_answer_is_503),
        cmocka_unit_test(what_is_in_flight_is_answered_before_the_end),
        cmocka_unit_test(nobody_new_is_let_in_while_it_drains),
        cmocka_unit_test(at_the_deadline_the_rest_is_broken_off),
        cmocka_unit_test(at_the_deadline_checks_that_wait_are_answered_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

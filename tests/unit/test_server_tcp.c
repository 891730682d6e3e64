// SPDX-License-Identifier: MIT
// The server's streams: messages cut anywhere, clients that do not read, too many of them, the end.
#include "live.h"

#include "dialog.h"
#include "expect.h"
#include "wire.h"
#include "writing.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPELINED = 200, MUTE_EACH = 5, N_LATE = 2000, N_GONE = 1500 };

// Many framed questions in one piece of memory, with ids that go up by one; before some of them a message that deserves
// no answer, and an empty one.
static uint8_t *many_questions(size_t *n, uint16_t *first_id)
{
    static const uint8_t mute[] = {0, 12, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t *all = malloc(PIPELINED * (sizeof mute + 2 + QUESTION_MAX_BYTES));
    assert_non_null(all);
    *n = 0;
    for (unsigned i = 0; i < PIPELINED; i++) {
        if (i % MUTE_EACH == 1) {
            memcpy(all + *n, mute, sizeof mute);
            *n += sizeof mute;
        }
        const char *name = i % 3 == 0 ? "missing.example.org" : "full.example.org";
        size_t n_one = question_write(&(struct question){.name = name, .type = LDNS_RR_TYPE_TXT}, all + *n + 2);
        all[*n] = (uint8_t)(n_one >> 8);
        all[*n + 1] = (uint8_t)n_one;
        if (i == 0)
            *first_id = (uint16_t)(all[2] << 8 | all[3]);
        *n += 2 + n_one;
    }
    return all;
}

static void expect_many_answers(int fd, uint16_t first_id)
{
    static uint8_t answer[DIALOG_MESSAGE_MAX];
    static bool is_answered[PIPELINED];
    memset(is_answered, 0, sizeof is_answered);
    for (unsigned i = 0; i < PIPELINED; i++) {
        assert_true(dialog_receive_framed(fd, answer) > HEADER_BYTES);
        unsigned which = (uint16_t)((answer[0] << 8 | answer[1]) - first_id);
        assert_true(which < PIPELINED && !is_answered[which]);
        assert_int_equal(answer[3] & 15, which % 3 == 0 ? LDNS_RCODE_NXDOMAIN : LDNS_RCODE_NOERROR);
        is_answered[which] = true;
    }
}

static void pipelined_questions_are_answered_however_they_are_cut(void **)
{
    static const size_t cuts[] = {1, 2, 3, 7, 36, 37, 38, 1000, SIZE_MAX};
    struct live live = {0};
    expect_ok(live_start(&live, LIVE_CONFIG "listen = \"127.0.0.1:0\"\n"));
    for (size_t i = 0; i < N_OF(cuts); i++) {
        size_t n;
        uint16_t first_id = 0;
        uint8_t *all = many_questions(&n, &first_id);
        int fd = dialog_tcp(server_addresses(live.server), 0);
        for (size_t at = 0; at < n; at += cuts[i] < n - at ? cuts[i] : n - at)
            dialog_send_raw(fd, all + at, cuts[i] < n - at ? cuts[i] : n - at);
        expect_many_answers(fd, first_id);
        close(fd);
        free(all);
    }
    assert_int_equal(live_total(&live, COUNT_tcp_queries), N_OF(cuts) * (PIPELINED + 2 * PIPELINED / MUTE_EACH));
    assert_int_equal(live_total(&live, COUNT_dropped), N_OF(cuts) * 2 * PIPELINED / MUTE_EACH);
    live_stop(&live);
}

// Until the server has answered all or has come to rest because nobody takes its answers.
static void wait_for_rest(const struct live *live, uint64_t n_asked)
{
    for (uint64_t before = 0, now = 1; now != before && now < n_asked;) {
        before = now;
        poll(NULL, 0, 20);
        now = live_total(live, COUNT_tcp_queries);
    }
}

// The client's window is small and it reads nothing until all is asked: the server has to wait with its answers.
static void a_client_that_reads_late_gets_every_answer(void **)
{
    struct live live = {0};
    static uint8_t answer[DIALOG_MESSAGE_MAX];
    static char value[3801];
    static bool is_answered[65536];
    expect_ok(live_start(&live, LIVE_CONFIG "listen = \"127.0.0.1:0\"\n"));
    memset(value, 'v', sizeof value - 1);
    expect_ok(writing_register(live.vault->store, "large"));
    expect_ok(writing_update(live.vault->store, "large", value));
    int fd = dialog_tcp(server_addresses(live.server), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int)), 0);
    for (unsigned i = 0; i < N_LATE; i++) {
        uint8_t space[QUESTION_MAX_BYTES];
        struct bytes message = {space, question_write(&(struct question)QUESTION("large.example.org", TXT), space)};
        dialog_send_framed(fd, message);
        is_answered[space[0] << 8 | space[1]] = true;
    }
    wait_for_rest(&live, N_LATE);
    for (unsigned i = 0; i < N_LATE; i++) {
        assert_in_range(dialog_receive_framed(fd, answer), sizeof value, sizeof value + 200);
        bool *flag = &is_answered[answer[0] << 8 | answer[1]];
        assert_true(*flag);
        *flag = false;
    }
    live_expect(fd, true, "full.example.org", LIVE_VALUE);
    close(fd);
    live_stop(&live);
}

static void a_client_that_goes_with_answers_on_their_way_harms_nobody(void **)
{
    struct live live = {0};
    static char value[3801];
    expect_ok(live_start(&live, LIVE_CONFIG "listen = \"127.0.0.1:0\"\n"));
    memset(value, 'v', sizeof value - 1);
    expect_ok(writing_register(live.vault->store, "large"));
    expect_ok(writing_update(live.vault->store, "large", value));
    for (unsigned round = 0; round < 20; round++) {
        int fd = dialog_tcp(server_addresses(live.server), 0);
        uint8_t space[QUESTION_MAX_BYTES];
        struct bytes message = {space, question_write(&(struct question)QUESTION("large.example.org", TXT), space)};
        for (unsigned i = 0; i < (round == 0 ? N_GONE : 100); i++)
            dialog_send_framed(fd, message);
        if (round == 0)
            wait_for_rest(&live, 1 + N_GONE);
        close(fd); // unread bytes make this a reset
        fd = dialog_tcp(server_addresses(live.server), 0);
        live_expect(fd, true, "full.example.org", LIVE_VALUE);
        close(fd);
    }
    live_stop(&live);
}

static void the_connection_too_many_takes_the_place_of_the_oldest(void **)
{
    struct live live = {0};
    uint8_t answer[1];
    expect_ok(live_start(&live, "[general]\ndomain = \"example.org\"\nworkers = 1\ntcp_connections = 2\n"
                                "listen = \"127.0.0.1:0\"\n"));
    const char *addresses = server_addresses(live.server);
    int fds[3];
    for (size_t i = 0; i < N_OF(fds); i++) {
        fds[i] = dialog_tcp(addresses, 0);
        live_expect(fds[i], true, "full.example.org", LIVE_VALUE);
    }
    assert_int_equal(read(fds[0], answer, 1), 0); // closed
    live_expect(fds[1], true, "full.example.org", LIVE_VALUE);
    live_expect(fds[2], true, "full.example.org", LIVE_VALUE);
    assert_int_equal(live_total(&live, COUNT_tcp_refused), 1);
    for (size_t i = 0; i < N_OF(fds); i++)
        close(fds[i]);
    live_stop(&live);
}

static void stopping_closes_connections_in_the_middle_of_a_message(void **)
{
    struct live live = {0};
    uint8_t byte;
    expect_ok(live_start(&live, LIVE_CONFIG "listen = \"127.0.0.1:0\"\n"));
    int idle = dialog_tcp(server_addresses(live.server), 0);
    live_expect(idle, true, "full.example.org", LIVE_VALUE);
    int half = dialog_tcp(server_addresses(live.server), 0);
    live_expect(half, true, "full.example.org", LIVE_VALUE);
    dialog_send_raw(half, "\0\50half", 6);
    live_stop(&live);
    assert_true(read(idle, &byte, 1) <= 0);
    assert_true(read(half, &byte, 1) <= 0);
    close(idle);
    close(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_questions_are_answered_however_they_are_cut),
        cmocka_unit_test(a_client_that_reads_late_gets_every_answer),
        cmocka_unit_test(a_client_that_goes_with_answers_on_their_way_harms_nobody),
        cmocka_unit_test(the_connection_too_many_takes_the_place_of_the_oldest),
        cmocka_unit_test(stopping_closes_connections_in_the_middle_of_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

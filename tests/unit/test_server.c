// SPDX-License-Identifier: MIT
// The server on real sockets: addresses and ports, bursts of datagrams, new zones.
#include "live.h"

#include "dialog.h"
#include "expect.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BURST = 64 }; // what the sockets' buffers hold

// --- Addresses ---

static void every_address_answers_over_udp_and_tcp_on_one_port(void **)
{
    struct live live = {0};
    expect_ok(live_start(&live, LIVE_CONFIG "listen = [\"127.0.0.1:0\", \"[::1]:0\", \"127.0.0.2:0\"]\n"));
    const char *addresses = server_addresses(live.server);
    assert_memory_equal(addresses, "127.0.0.1:", 10);
    assert_non_null(strstr(addresses, ",[::1]:"));
    assert_non_null(strstr(addresses, ",127.0.0.2:"));
    assert_int_equal(server_n_workers(live.server), 2);
    for (unsigned which = 0; which < 3; which++)
        for (unsigned i = 0; i < 8; i++) { // from several ports, so that each worker gets some
            bool is_tcp = i % 2 != 0;
            int fd = (is_tcp ? dialog_tcp : dialog_udp)(addresses, which);
            live_expect(fd, is_tcp, "full.example.org", LIVE_VALUE);
            live_expect(fd, is_tcp, "missing.example.org", "NXDOMAIN aa");
            close(fd);
        }
    assert_int_equal(live_total(&live, COUNT_udp_queries), 3 * 4 * 2);
    assert_int_equal(live_total(&live, COUNT_tcp_queries), 3 * 4 * 2);
    assert_int_equal(live_total(&live, COUNT_tcp_connections), 3 * 4);
    assert_int_equal(live_total(&live, COUNT_noerror), 3 * 8);
    assert_int_equal(live_total(&live, COUNT_nxdomain), 3 * 8);
    char *log = vault_take_log(live.vault);
    assert_string_equal(log, "");
    free(log);
    live_stop(&live);
}

// A connected socket takes answers only from the address it asked.
static void on_all_addresses_the_answer_comes_from_the_one_that_was_asked(void **)
{
    struct live live = {0};
    char asked[64];
    expect_ok(live_start(&live, LIVE_CONFIG "listen = [\"0.0.0.0:0\", \"[::]:0\"]\nprotocol = \"udp\"\n"));
    const char *v4 = strchr(server_addresses(live.server), ':'), *v6 = strstr(server_addresses(live.server), "[::]:");
    for (unsigned i = 1; i < 6; i++) {
        snprintf(asked, sizeof asked, "127.0.0.%u%.*s", i, (int)strcspn(v4, ","), v4);
        int fd = dialog_udp(asked, 0);
        live_expect(fd, false, "full.example.org", LIVE_VALUE);
        close(fd);
    }
    snprintf(asked, sizeof asked, "[::1]%s", v6 + 4);
    int fd = dialog_udp(asked, 0);
    live_expect(fd, false, "full.example.org", LIVE_VALUE);
    close(fd);
    live_stop(&live);
}

static void an_address_in_use_is_refused_with_its_name(void **)
{
    struct live first = {0}, second = {0};
    char config[256];
    expect_ok(live_start(&first, LIVE_CONFIG "listen = \"127.0.0.1:0\"\n"));
    snprintf(config, sizeof config, LIVE_CONFIG "listen = [\"127.0.0.2:0\", \"%s\"]\n", server_addresses(first.server));
    expect_err(live_start(&second, config), ERR_SYSTEM);
    assert_null(second.server);
    char *log = vault_take_log(second.vault);
    assert_non_null(strstr(log, " error serve.cannot_bind address=127.0.0.1:"));
    assert_non_null(strstr(log, "reason=\"Address already in use\"\n"));
    free(log);
    live_stop(&second);
    int fd = dialog_udp(server_addresses(first.server), 0);
    live_expect(fd, false, "full.example.org", LIVE_VALUE);
    close(fd);
    live_stop(&first);
}

// An address that nobody else is likely to use, so the port is free for the other transport.
static void only_the_configured_transport_is_served(void **)
{
    static const struct {
        const char *config;
        bool is_tcp;
    } rows[] = {{LIVE_CONFIG "listen = \"127.0.53.77:0\"\nprotocol = \"udp\"\n", false},
                {LIVE_CONFIG "listen = \"127.0.53.77:0\"\nprotocol = \"tcp4\"\n", true}};
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct live live = {0};
        expect_ok(live_start(&live, rows[i].config));
        const char *addresses = server_addresses(live.server);
        int fd = (rows[i].is_tcp ? dialog_tcp : dialog_udp)(addresses, 0);
        live_expect(fd, rows[i].is_tcp, "full.example.org", LIVE_VALUE);
        close(fd);
        assert_true(dialog_is_refused(addresses, !rows[i].is_tcp));
        live_stop(&live);
    }
}

// --- Datagrams ---

static void each_datagram_of_a_burst_is_answered_and_what_deserves_none_is_not(void **)
{
    struct live live = {0};
    static uint8_t answer[DIALOG_MESSAGE_MAX];
    static bool is_answered[65536];
    expect_ok(live_start(&live, LIVE_CONFIG "listen = \"127.0.0.1:0\"\n"));
    int fd = dialog_udp(server_addresses(live.server), 0);
    for (unsigned i = 0; i < BURST; i++) {
        uint8_t space[QUESTION_MAX_BYTES];
        struct bytes message = {space, question_write(&(struct question)QUESTION("full.example.org", TXT), space)};
        is_answered[space[0] << 8 | space[1]] = true;
        dialog_send(fd, (struct bytes){(const uint8_t *)"short", 5});
        dialog_send(fd, (struct bytes){NULL, 0});
        dialog_send(fd, message);
        space[2] |= 0x80;
        dialog_send(fd, message);
    }
    for (unsigned i = 0; i < BURST; i++) {
        assert_true(dialog_receive(fd, answer) > HEADER_BYTES);
        bool *flag = &is_answered[answer[0] << 8 | answer[1]];
        assert_true(*flag);
        *flag = false;
    }
    live_expect(fd, false, "full.example.org", LIVE_VALUE); // behind all of them: a socket's datagrams stay in order
    close(fd);
    assert_int_equal(live_total(&live, COUNT_udp_queries), 4 * BURST + 1);
    assert_int_equal(live_total(&live, COUNT_noerror), BURST + 1);
    assert_int_equal(live_total(&live, COUNT_dropped), 3 * BURST);
    live_stop(&live);
}

// --- New zones ---

struct asker {
    pthread_t thread;
    const char *addresses;
    atomic_bool is_over;
    bool is_tcp;
};

// Asks until it is told to end; a null pointer when every answer was one of either zone.
static void *ask_on(void *argument)
{
    struct asker *self = argument;
    int fd = (self->is_tcp ? dialog_tcp : dialog_udp)(self->addresses, 0);
    bool is_well = true;
    while (is_well && !atomic_load(&self->is_over)) {
        char *answer = dialog_ask(fd, self->is_tcp, "www.example.org");
        is_well = strstr(answer, "TXT \"before\"") != NULL || strstr(answer, "TXT \"after\"") != NULL;
        free(answer);
    }
    close(fd);
    return is_well ? NULL : self;
}

static void new_zones_are_taken_over_while_questions_go_on(void **)
{
    static const char *const configs[] = {
        LIVE_CONFIG "listen = \"127.0.0.1:0\"\nrecords = [\"www.example.org. TXT before\"]\n",
        LIVE_CONFIG "records = [\"www.example.org. TXT after\"]\n",
    };
    struct live live = {0};
    expect_ok(live_start(&live, configs[0]));
    struct asker askers[4];
    for (unsigned i = 0; i < N_OF(askers); i++) {
        askers[i] = (struct asker){.addresses = server_addresses(live.server), .is_tcp = i % 2 != 0};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_on, &askers[i]), 0);
    }
    for (unsigned i = 0; i < 41; i++) {
        struct zones *zones = live_zones(&live, configs[(i + 1) % 2]);
        server_set_zones(live.server, zones);
        zones_drop(zones);
    }
    int fd = dialog_udp(server_addresses(live.server), 0);
    for (bool is_new = false; !is_new;) { // nobody waits for the workers
        char *answer = dialog_ask(fd, false, "www.example.org");
        is_new = strstr(answer, "TXT \"after\"") != NULL;
        free(answer);
    }
    close(fd);
    for (unsigned i = 0; i < N_OF(askers); i++) {
        void *failed;
        atomic_store(&askers[i].is_over, true);
        assert_int_equal(pthread_join(askers[i].thread, &failed), 0);
        assert_null(failed);
    }
    live_stop(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_answers_over_udp_and_tcp_on_one_port),
        cmocka_unit_test(on_all_addresses_the_answer_comes_from_the_one_that_was_asked),
        cmocka_unit_test(an_address_in_use_is_refused_with_its_name),
        cmocka_unit_test(only_the_configured_transport_is_served),
        cmocka_unit_test(each_datagram_of_a_burst_is_answered_and_what_deserves_none_is_not),
        cmocka_unit_test(new_zones_are_taken_over_while_questions_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// What the guard makes of an answer: cookies, NSID, extended errors, limits, and that a refusal is never longer than
// its question.
#include "stage.h"

#include "expect.h"

#include <netinet/in.h>
#include <stdlib.h>

enum { TXT = LDNS_RR_TYPE_TXT, A = LDNS_RR_TYPE_A, AXFR = LDNS_RR_TYPE_AXFR, NOW_S = 1559731985 };

#define SECRET        "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define CLIENT_COOKIE "\0\12\0\10\x24\x64\xc4\xab\xcf\x10\xc9\x57"
#define FULL_COOKIE                                                                                                    \
    "\0\12\0\30\x24\x64\xc4\xab\xcf\x10\xc9\x57\x01\0\0\0\x5c\xf7\x9f\x11\x1f\x81\x30\xc3\xee\xe2\x94\x80"
#define BAD_COOKIE                                                                                                     \
    "\0\12\0\30\x24\x64\xc4\xab\xcf\x10\xc9\x57\x01\0\0\0\x5c\xf7\x9f\x11\x1f\x81\x30\xc3\xee\xe2\x94\x81"
#define NSID_ASKED     "\0\3\0\0"
#define NSID_TOLD      "\0\3\0\5ns-01"
#define ELSEWHERE      "\0\17\0\2\0\24"
#define NOT_READY      "\0\17\0\2\0\16"
#define BYTES_OF(text) ((struct bytes){(const uint8_t *)text, sizeof text - 1})

static const char CONFIG[] = "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\nnsid = \"ns-01\"\n"
                             "cookie_secret = \"" SECRET "\"\nrrl_existing_per_s = 20\nrrl_others_per_s = 10\n";

// A stage with a guard, and the client of RFC 9018 A.1.
struct gate {
    struct stage *stage;
    struct guard guard;
    struct sockaddr_in client;
};

static int open_gate(void **state)
{
    struct gate *gate = calloc(1, sizeof *gate);
    assert_non_null(gate);
    gate->stage = stage_open(CONFIG);
    stage_register(gate->stage, "full", (const char *const[]){"a", NULL});
    struct cookie_keys keys = cookie_keys_of(SECRET, "");
    expect_ok(guard_open(&gate->guard, gate->stage->conf, &keys));
    gate->guard.now_s = NOW_S;
    gate->guard.now_ms = 5000;
    gate->client = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc6336464)};
    gate->stage->guard = &gate->guard;
    gate->stage->client = (const struct sockaddr *)&gate->client;
    *state = gate;
    return 0;
}

static int close_gate(void **state)
{
    struct gate *gate = *state;
    guard_close(&gate->guard);
    stage_close(gate->stage);
    free(gate);
    return 0;
}

static struct question question_of(const char *name, uint16_t type, struct bytes options)
{
    return (struct question){.name = name, .type = type, .has_edns = true, .udp_bytes = 1232, .options = options};
}

static struct reply ask(const struct gate *gate, const char *name, struct bytes options)
{
    struct question ask = question_of(name, TXT, options);
    return stage_ask(gate->stage, &ask, STAGE_UDP);
}

// The options of the answer are these and no others; OPT is the last record.
static void expect_options(struct reply reply, struct bytes wanted)
{
    assert_non_null(reply.pkt);
    const ldns_rdf *data = ldns_pkt_edns_data(reply.pkt);
    size_t n = data == NULL ? 0 : ldns_rdf_size(data);
    if (n != wanted.n || (n != 0 && memcmp(ldns_rdf_data(data), wanted.at, n) != 0)) {
        for (size_t i = 0; i < n; i++)
            print_error(" %02x", ldns_rdf_data(data)[i]);
        fail_msg("%zu bytes of options, not %zu", n, wanted.n);
    }
    reply_free(&reply);
}

static void expect_head(struct reply reply, const char *wanted)
{
    assert_non_null(reply.pkt);
    char *head = oracle_head(reply.pkt);
    assert_string_equal(head, wanted);
    free(head);
    reply_free(&reply);
}

static void a_cookie_is_answered_with_a_whole_one(void **state)
{
    struct gate *gate = *state;
    static const char *const names[] = {"full.example.org", "missing.example.org", "example.com"};
    for (size_t i = 0; i < N_OF(names); i++) {
        expect_options(ask(gate, names[i], BYTES_OF(CLIENT_COOKIE)), BYTES_OF(FULL_COOKIE));
        expect_options(ask(gate, names[i], BYTES_OF(BAD_COOKIE)), BYTES_OF(FULL_COOKIE));
    }
    gate->guard.now_s += 1800; // the same is good for half an hour
    expect_options(ask(gate, "full.example.org", BYTES_OF(FULL_COOKIE)), BYTES_OF(FULL_COOKIE));
    expect_options(ask(gate, "full.example.org", BYTES_OF("")), BYTES_OF(""));
    struct question plain = QUESTION("full.example.org", TXT);
    struct reply reply = stage_ask(gate->stage, &plain, STAGE_UDP);
    assert_false(ldns_pkt_edns(reply.pkt));
    reply_free(&reply);
}

static void a_cookie_of_a_length_that_none_has_is_malformed(void **state)
{
    struct gate *gate = *state;
    for (size_t n = 0; n <= 48; n++) {
        uint8_t option[4 + 48] = {[1] = 10, [3] = (uint8_t)n};
        bool is_sound = n == 8 || (n >= 16 && n <= 40);
        gate->guard.now_ms += 1000;
        expect_head(ask(gate, "full.example.org", (struct bytes){option, 4 + n}), is_sound ? "NOERROR aa" : "FORMERR");
    }
    // of two the first counts
    expect_options(ask(gate, "full.example.org", BYTES_OF(CLIENT_COOKIE "\0\12\0\1x")), BYTES_OF(FULL_COOKIE));
}

// A message without a question, with an OPT record of these options, or none when there are none.
static struct reply ask_nothing(const struct gate *gate, struct bytes options)
{
    uint8_t message[64] = {0x12, 0x34, [11] = options.n != 0 ? 1 : 0};
    struct writer w = writer_of(message, sizeof message);
    w.at += HEADER_BYTES;
    if (options.n != 0) {
        put_bytes(&w, "\0\0\51\4\320\0\0\0\0", 9);
        put_u16(&w, (unsigned)options.n);
        put_bytes(&w, options.at, options.n);
    }
    return stage_ask_bytes(gate->stage, (struct bytes){message, writer_used(&w)}, STAGE_UDP);
}

static void a_cookie_may_be_asked_for_without_a_question(void **state)
{
    struct gate *gate = *state;
    expect_options(ask_nothing(gate, BYTES_OF(CLIENT_COOKIE)), BYTES_OF(FULL_COOKIE));
    expect_head(ask_nothing(gate, BYTES_OF(CLIENT_COOKIE)), "NOERROR");
    expect_head(ask_nothing(gate, BYTES_OF(FULL_COOKIE)), "NOERROR");
    expect_head(ask_nothing(gate, BYTES_OF(BAD_COOKIE)), "BADCOOKIE");
    expect_options(ask_nothing(gate, BYTES_OF(BAD_COOKIE)), BYTES_OF(FULL_COOKIE));
    expect_head(ask_nothing(gate, BYTES_OF(NSID_ASKED)), "FORMERR");
    expect_head(ask_nothing(gate, BYTES_OF("")), "FORMERR");
    assert_int_equal(counter_value(&gate->stage->counters, COUNT_badcookie), 2);
}

static void the_name_of_the_server_is_told_to_who_asks(void **state)
{
    struct gate *gate = *state;
    expect_options(ask(gate, "full.example.org", BYTES_OF(NSID_ASKED)), BYTES_OF(NSID_TOLD));
    expect_options(ask(gate, "full.example.org", BYTES_OF(CLIENT_COOKIE NSID_ASKED)), BYTES_OF(FULL_COOKIE NSID_TOLD));
    expect_options(ask(gate, "missing.example.org", BYTES_OF(NSID_ASKED)), BYTES_OF(NSID_TOLD));
}

static void a_refusal_says_why_to_who_has_proven_the_address(void **state)
{
    struct gate *gate = *state;
    struct question transfer = question_of("example.org", AXFR, BYTES_OF(""));
    struct question elsewhere = question_of("example.com", A, BYTES_OF(NSID_ASKED));
    expect_options(stage_ask(gate->stage, &elsewhere, STAGE_TCP), BYTES_OF(ELSEWHERE NSID_TOLD));
    expect_options(ask(gate, "example.com", BYTES_OF(FULL_COOKIE)), BYTES_OF(FULL_COOKIE ELSEWHERE));
    expect_options(stage_ask(gate->stage, &transfer, STAGE_TCP), BYTES_OF(""));
}

static void a_refusal_is_no_longer_than_its_question(void **state)
{
    struct gate *gate = *state;
    static const struct {
        struct bytes options;
        size_t n_more; // a new cookie is sixteen bytes longer than the client's part of it
    } rows[] = {
        {BYTES_OF(""), 0},
        {BYTES_OF(NSID_ASKED), 0},
        {BYTES_OF(BAD_COOKIE), 0},
        {BYTES_OF(CLIENT_COOKIE), COOKIE_SERVER_BYTES},
        {BYTES_OF("\0\14\0\2\0\0"), 0},
        {BYTES_OF(CLIENT_COOKIE NSID_ASKED), COOKIE_SERVER_BYTES},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        for (unsigned has_edns = 0; has_edns < 2; has_edns++) {
            struct question ask = question_of("example.com", A, rows[i].options);
            ask.has_edns = has_edns;
            uint8_t message[QUESTION_MAX_BYTES];
            size_t n = question_write(&ask, message);
            gate->guard.now_ms += 1000;
            struct reply reply = stage_ask_bytes(gate->stage, (struct bytes){message, n}, STAGE_UDP);
            assert_in_range(reply.n, HEADER_BYTES, n + rows[i].n_more);
            reply_free(&reply);
        }
    // padding makes room for the reason
    expect_options(ask(gate, "example.com", BYTES_OF("\0\14\0\2\0\0")), BYTES_OF(ELSEWHERE));
}

static void an_unreadable_store_is_told(void **state)
{
    struct gate *gate = *state;
    gate->stage->has_no_store = true;
    expect_options(ask(gate, "full.example.org", BYTES_OF("")), BYTES_OF(NOT_READY));
    expect_head(ask(gate, "full.example.org", BYTES_OF("")), "SERVFAIL aa");
}

static void over_the_limit_every_second_answer_is_cut_and_the_others_are_dropped(void **state)
{
    static const struct {
        const char *name;
        unsigned n_passing;
        const char *slipped;
    } rows[] = {{"full.example.org", 20, "NOERROR aa tc"},
                {"missing.example.org", 10, "NXDOMAIN aa tc"},
                {"example.com", 10, "REFUSED"}};
    struct gate *gate = *state;
    struct counters *counters = &gate->stage->counters;
    for (size_t i = 0; i < N_OF(rows); i++) {
        uint64_t n_slipped = counter_value(counters, COUNT_rrl_slipped);
        uint64_t n_dropped = counter_value(counters, COUNT_rrl_dropped);
        for (unsigned n = 0; n < rows[i].n_passing + 10; n++) {
            struct reply reply = ask(gate, rows[i].name, BYTES_OF(CLIENT_COOKIE));
            bool is_over = n >= rows[i].n_passing;
            assert_int_equal(reply.n == 0, is_over && (n - rows[i].n_passing) % 2 == 0);
            if (reply.n != 0 && is_over) {
                assert_int_equal(ldns_pkt_ancount(reply.pkt) + ldns_pkt_nscount(reply.pkt), 0);
                assert_int_equal(reply.n, HEADER_BYTES + strlen(rows[i].name) + 2 + 4 + OPT_BYTES + 4 + COOKIE_BYTES);
                char *head = oracle_head(reply.pkt);
                assert_string_equal(head, rows[i].slipped);
                free(head);
            }
            reply_free(&reply);
        }
        assert_int_equal(counter_value(counters, COUNT_rrl_slipped) - n_slipped, 5);
        assert_int_equal(counter_value(counters, COUNT_rrl_dropped) - n_dropped, 5);
    }
}

static void who_has_proven_the_address_is_not_limited(void **state)
{
    struct gate *gate = *state;
    struct question elsewhere = question_of("example.com", A, BYTES_OF(""));
    for (unsigned n = 0; n < 100; n++) {
        expect_head(ask(gate, "full.example.org", BYTES_OF(FULL_COOKIE)), "NOERROR aa");
        expect_head(ask(gate, "example.com", BYTES_OF(FULL_COOKIE)), "REFUSED");
        expect_head(stage_ask(gate->stage, &elsewhere, STAGE_TCP), "REFUSED");
    }
    gate->client.sin_addr.s_addr ^= htonl(1); // a neighbour cannot use the cookie
    unsigned n_answered = 0;
    for (unsigned n = 0; n < 100; n++) {
        struct reply reply = ask(gate, "example.com", BYTES_OF(FULL_COOKIE));
        n_answered += reply.n != 0;
        reply_free(&reply);
    }
    assert_int_equal(n_answered, 10 + 90 / 2);
}

static void options_that_do_not_fit_are_left_out(void **state)
{
    struct gate *gate = *state;
    struct question ask = question_of("full.example.org", TXT, BYTES_OF(CLIENT_COOKIE NSID_ASKED));
    uint8_t message[QUESTION_MAX_BYTES];
    size_t n = question_write(&ask, message);
    for (size_t max = n; max < n + 100; max++) {
        gate->guard.now_ms += 1000;
        struct reply reply = stage_ask_bytes(gate->stage, (struct bytes){message, n}, (struct transport){true, max});
        reply_free(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cookie_is_answered_with_a_whole_one, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(a_cookie_of_a_length_that_none_has_is_malformed, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(a_cookie_may_be_asked_for_without_a_question, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(the_name_of_the_server_is_told_to_who_asks, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(a_refusal_says_why_to_who_has_proven_the_address, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(a_refusal_is_no_longer_than_its_question, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(an_unreadable_store_is_told, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(over_the_limit_every_second_answer_is_cut_and_the_others_are_dropped, open_gate,
                                        close_gate),
        cmocka_unit_test_setup_teardown(who_has_proven_the_address_is_not_limited, open_gate, close_gate),
        cmocka_unit_test_setup_teardown(options_that_do_not_fit_are_left_out, open_gate, close_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// How long an answer may be: 512 bytes, what EDNS says, udp_max_bytes, 65,535 over TCP; and what is left out of a
// longer one.
#include "stage.h"

#include "expect.h"
#include "writing.h"

#include <stdio.h>
#include <stdlib.h>

enum { TXT = LDNS_RR_TYPE_TXT, VALUE_CHARS = 43, OPT_SIZE = 11 };

#define SOA "example.org. 60 IN SOA ns.example.net. hostmaster.example.org. 0 28800 7200 604800 60"

static const char CONFIG[] = "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\ntxt_values = 64\n";
static const char CONFIG_LARGE[] =
    "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\ntxt_values = 64\nudp_max_bytes = 4096\n";
static const char CONFIG_ONE[] = "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\ntxt_values = 1\n";

static void register_many(struct stage *stage, const char *subdomain, unsigned n)
{
    char value[VALUE_CHARS + 1];
    stage_register(stage, subdomain, (const char *const[]){NULL});
    for (unsigned i = 0; i < n; i++) {
        snprintf(value, sizeof value, "%0*u", VALUE_CHARS, i);
        expect_ok(writing_update(stage->store, subdomain, value));
    }
}

// Asks for the values with EDNS of this size, or without EDNS when it is 0.
static struct reply ask_values(struct stage *stage, const char *name, uint16_t udp_bytes, struct transport transport)
{
    struct question ask = {.name = name, .type = TXT, .has_edns = udp_bytes != 0, .udp_bytes = udp_bytes};
    return stage_ask(stage, &ask, transport);
}

static void expect_cut(struct reply reply, bool is_cut)
{
    assert_int_equal(ldns_pkt_tc(reply.pkt), is_cut);
    if (is_cut)
        assert_int_equal(ldns_pkt_ancount(reply.pkt), 0);
    reply_free(&reply);
}

static void sixty_four_values_are_cut_over_udp_and_whole_over_tcp(void **)
{
    struct stage *stage = stage_open(CONFIG);
    register_many(stage, "full", 64);
    expect_cut(ask_values(stage, "full.example.org", 0, STAGE_UDP), true);
    expect_cut(ask_values(stage, "full.example.org", 512, STAGE_UDP), true);
    expect_cut(ask_values(stage, "full.example.org", 4096, STAGE_UDP), true);
    expect_cut(ask_values(stage, "full.example.org", 65535, STAGE_UDP), true);

    struct reply whole = ask_values(stage, "full.example.org", 1232, STAGE_TCP);
    assert_int_equal(ldns_pkt_ancount(whole.pkt), 64);
    expect_cut(whole, false);
    assert_int_equal(counter_value(&stage->counters, COUNT_truncated), 4);
    assert_int_equal(counter_value(&stage->counters, COUNT_noerror), 5);
    stage_close(stage);
}

static void udp_max_bytes_may_be_larger_and_then_the_client_decides(void **)
{
    struct stage *stage = stage_open(CONFIG_LARGE);
    register_many(stage, "full", 64);
    expect_cut(ask_values(stage, "full.example.org", 0, STAGE_UDP), true);
    expect_cut(ask_values(stage, "full.example.org", 1232, STAGE_UDP), true);
    struct reply whole = ask_values(stage, "full.example.org", 4096, STAGE_UDP);
    assert_int_equal(ldns_pkt_ancount(whole.pkt), 64);
    expect_cut(whole, false);
    stage_close(stage);
}

// One value more at a time: TC exactly when the whole answer, which TCP shows, is longer than allowed.
static void an_answer_is_cut_exactly_when_it_is_too_long(void **)
{
    struct stage *stage = stage_open(CONFIG_ONE);
    char value[1024];
    stage_register(stage, "full", (const char *const[]){NULL});
    unsigned n_fitting = 0, n_cut = 0;
    for (size_t n = 400; n < 500; n++) {
        memset(value, 'v', n);
        value[n] = '\0';
        expect_ok(writing_update(stage->store, "full", value));
        struct reply whole = ask_values(stage, "full.example.org", 0, STAGE_TCP);
        bool is_cut = whole.n > 512;
        n_fitting += whole.n == 512;
        n_cut += whole.n == 513;
        reply_free(&whole);
        expect_cut(ask_values(stage, "full.example.org", 0, STAGE_UDP), is_cut);
    }
    assert_int_equal(n_fitting, 1);
    assert_int_equal(n_cut, 1);
    stage_close(stage);
}

static void edns_is_obeyed_to_the_byte_and_opt_counts(void **)
{
    struct stage *stage = stage_open(CONFIG);
    register_many(stage, "full", 12);
    struct reply whole = ask_values(stage, "full.example.org", 1232, STAGE_TCP);
    size_t n = whole.n;
    reply_free(&whole);
    assert_true(n > 600 && n < 1200);
    for (size_t i = n - 2 * OPT_SIZE; i < n + 2 * OPT_SIZE; i++)
        expect_cut(ask_values(stage, "full.example.org", (uint16_t)i, STAGE_UDP), i < n);
    stage_close(stage);
}

static void our_own_limit_is_obeyed_to_the_byte(void **)
{
    for (int own = 512; own < 1024; own += 7) {
        char config[256];
        snprintf(config, sizeof config, "[general]\ndomain = \"example.org\"\ntxt_values = 1\nudp_max_bytes = %d\n",
                 own);
        struct stage *stage = stage_open(config);
        char value[1024] = "";
        size_t n_head = HEADER_BYTES + sizeof ".full.example.org" + 4 + 12 + OPT_SIZE;
        size_t n_value = (size_t)own - n_head - (size_t)(own - (int)n_head + 255) / 256;
        memset(value, 'v', n_value);
        stage_register(stage, "full", (const char *const[]){value, NULL});
        struct reply reply = ask_values(stage, "full.example.org", 4096, STAGE_UDP);
        assert_in_range(reply.n, own - 1, own);
        expect_cut(reply, false);
        memset(value, 'v', n_value + 2);
        expect_ok(writing_update(stage->store, "full", value));
        expect_cut(ask_values(stage, "full.example.org", 4096, STAGE_UDP), true);
        stage_close(stage);
    }
}

// The question may take 255 bytes and the SOA 500 more.
static void a_negative_answer_that_does_not_fit_is_cut_as_well(void **)
{
    char label[64] = "", config[1024], name[300];
    memset(label, 'n', 63);
    snprintf(config, sizeof config,
             "[general]\ndomain = \"example.org\"\nnsname = \"%s.%s.%s.a\"\nnsadmin = \"%s.%s.%s.b\"\n", label, label,
             label, label, label, label);
    struct stage *stage = stage_open(config);
    snprintf(name, sizeof name, "%s.%s.%s.example.org", label, label, label);

    struct reply cut = ask_values(stage, name, 0, STAGE_UDP);
    assert_true(ldns_pkt_tc(cut.pkt));
    assert_int_equal(ldns_pkt_get_rcode(cut.pkt), LDNS_RCODE_NXDOMAIN);
    assert_int_equal(ldns_pkt_nscount(cut.pkt), 0);
    reply_free(&cut);
    struct reply whole = ask_values(stage, name, 1232, STAGE_UDP);
    assert_false(ldns_pkt_tc(whole.pkt));
    assert_int_equal(ldns_pkt_nscount(whole.pkt), 1);
    reply_free(&whole);
    stage_close(stage);
}

// The buffer is exactly as long as the transport says: the sanitizers see the first byte behind it.
static void no_size_of_buffer_is_overrun(void **)
{
    struct stage *stage =
        stage_open("[general]\ndomain = \"example.org\"\nnsname = \"ns1.example.org\"\nrecords = [\n"
                   "'example.org. NS ns1.example.org.', 'example.org. NS ns2.example.org.',\n"
                   "'ns1.example.org. A 192.0.2.1', 'ns2.example.org. AAAA 2001:db8::1',\n"
                   "'www.example.org. CNAME x.example.org.', 'x.example.org. CNAME y.example.org.',\n"
                   "'y.example.org. TXT \"found\"',\n"
                   "'sub.example.org. NS ns.sub.example.org.', 'ns.sub.example.org. A 192.0.2.2'\n]\n");
    stage_register(stage, "full", (const char *const[]){"first", "second", NULL});
    static const struct question questions[] = {
        QUESTION("full.example.org", TXT), QUESTION("full.example.org", A),    QUESTION("full.example.org", ANY),
        QUESTION("example.org", NS),       QUESTION("www.example.org", TXT),   QUESTION("www.example.org", A),
        QUESTION("a.sub.example.org", A),  QUESTION("missing.example.org", A), QUESTION("example.com", A),
    };
    for (size_t i = 0; i < 2 * N_OF(questions); i++) {
        struct question ask = questions[i / 2];
        ask.has_edns = i % 2 != 0;
        uint8_t message[QUESTION_MAX_BYTES];
        size_t n = question_write(&ask, message);
        for (size_t max = n; max < 512; max++) {
            struct reply reply = stage_ask_bytes(stage, (struct bytes){message, n}, (struct transport){i % 4 < 2, max});
            reply_free(&reply);
        }
    }
    stage_close(stage);
}

// Nothing sensible can be said in less than header, question and OPT.
static void a_buffer_too_small_for_the_question_gets_no_answer(void **)
{
    struct stage *stage = stage_open(CONFIG);
    uint8_t space[QUESTION_MAX_BYTES];
    struct lookup lookup = {stage->conf, stage->zones, NULL, STORE_FIT};
    size_t n = question_write(&(struct question){.name = "full.example.org", .type = TXT, .has_edns = true}, space);
    for (size_t max = 0; max < n; max++) {
        uint8_t *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, space, n);
        struct message message = {copy, n, max, .is_udp = false};
        assert_int_equal(answer_write(&message, &lookup, &stage->counters), 0);
        assert_memory_equal(copy, space, n);
        free(copy);
    }
    stage_close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_values_are_cut_over_udp_and_whole_over_tcp),
        cmocka_unit_test(udp_max_bytes_may_be_larger_and_then_the_client_decides),
        cmocka_unit_test(an_answer_is_cut_exactly_when_it_is_too_long),
        cmocka_unit_test(edns_is_obeyed_to_the_byte_and_opt_counts),
        cmocka_unit_test(our_own_limit_is_obeyed_to_the_byte),
        cmocka_unit_test(a_negative_answer_that_does_not_fit_is_cut_as_well),
        cmocka_unit_test(no_size_of_buffer_is_overrun),
        cmocka_unit_test(a_buffer_too_small_for_the_question_gets_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

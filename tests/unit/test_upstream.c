// SPDX-License-Identifier: MIT
// How a server to ask is written, and the answers that count as answers to a question.
#include "upstream.h"

#include "exchange.h"
#include "expect.h"

static void an_address_is_read_with_and_without_a_port(void **)
{
    static const struct {
        const char *text, *back;
        uint16_t port;
        bool is_https;
    } CASES[] = {
        {"192.0.2.1", "192.0.2.1", 53, false},
        {"192.0.2.1@53", "192.0.2.1", 53, false},
        {"192.0.2.1@5353", "192.0.2.1@5353", 5353, false},
        {"2001:DB8::1", "2001:db8::1", 53, false},
        {"[2001:db8::1]@99", "2001:db8::1@99", 99, false},
        {"https://dns.example/dns-query", "https://dns.example/dns-query", 0, true},
    };
    for (size_t i = 0; i < N_OF(CASES); i++) {
        struct upstream upstream;
        expect_ok(upstream_parse(CASES[i].text, &upstream));
        assert_string_equal(upstream.text, CASES[i].back);
        assert_int_equal(upstream.port, CASES[i].port);
        assert_int_equal(upstream.is_https, CASES[i].is_https);
        struct upstream again;
        expect_ok(upstream_parse(upstream.text, &again));
        assert_true(upstream_is_same(&upstream, &again));
    }
}

static void anything_else_is_refused(void **)
{
    static const char *const BAD[] = {"",
                                      "@53",
                                      "example.com",
                                      "192.0.2.1@",
                                      "192.0.2.1@0",
                                      "192.0.2.1@65536",
                                      "192.0.2.1@5x",
                                      "192.0.2.1@-5",
                                      "192.0.2.1@ 5",
                                      "192.0.2.1:53",
                                      "https://",
                                      "http://dns.example/"};
    struct upstream upstream;
    for (size_t i = 0; i < N_OF(BAD); i++)
        expect_err(upstream_parse(BAD[i], &upstream), ERR_SYNTAX);
    char longest[400] = "https://";
    memset(longest + 8, 'a', sizeof longest - 9);
    longest[sizeof longest - 1] = 0;
    expect_err(upstream_parse(longest, &upstream), ERR_SYNTAX);
}

// A question for "Ab." TXT IN with id 0x1234.
static const uint8_t QUESTION[] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 'A', 'b', 0, 0, 16, 0, 1};

static bool counts(void (*change)(uint8_t *answer, size_t *n))
{
    uint8_t answer[64] = {0};
    size_t n = sizeof QUESTION;
    memcpy(answer, QUESTION, n);
    answer[2] = 0x80;
    change(answer, &n);
    struct exchange exchange = {.query = {QUESTION, sizeof QUESTION}, .answer = answer, .n_answer = n};
    return exchange_is_answered(&exchange);
}

static void nothing(uint8_t *, size_t *) {}
static void small(uint8_t *answer, size_t *)
{
    answer[13] = 'a';
}
static void other_id(uint8_t *answer, size_t *)
{
    answer[0] = 0;
}
static void question(uint8_t *answer, size_t *)
{
    answer[2] = 0;
}
static void other_name(uint8_t *answer, size_t *)
{
    answer[14] = 'c';
}
static void other_type(uint8_t *answer, size_t *)
{
    answer[17] = 1;
}
static void short_name(uint8_t *, size_t *n)
{
    *n = 16;
}
static void header_alone(uint8_t *answer, size_t *n)
{
    answer[5] = 0;
    *n = 12;
}
static void error_alone(uint8_t *answer, size_t *n)
{
    header_alone(answer, n);
    answer[3] = 1;
}
static void torn(uint8_t *, size_t *n)
{
    *n = 3;
}

static void only_an_answer_to_our_question_counts(void **)
{
    assert_true(counts(nothing));
    assert_true(counts(small));
    assert_true(counts(error_alone)); // FORMERR of somebody who did not understand
    void (*const BAD[])(uint8_t *, size_t *) = {other_id,   question,     other_name, other_type,
                                                short_name, header_alone, torn};
    for (size_t i = 0; i < N_OF(BAD); i++)
        assert_false(counts(BAD[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_with_and_without_a_port),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(only_an_answer_to_our_question_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

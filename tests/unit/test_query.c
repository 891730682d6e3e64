// SPDX-License-Identifier: MIT
// What is read of a message: the folded name and its labels, type and class, flags, EDNS; and what is to be done with
// it.
#include "query.h"

#include "expect.h"
#include "question.h"

#include <ctype.h>
#include <stdlib.h>

// Parses a copy that ends where the message does.
static enum query_fate parse(struct query *query, const void *message, size_t n)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    assert_non_null(copy);
    memcpy(copy, message, n);
    memset(query, 0xee, sizeof *query);
    enum query_fate fate = query_parse(query, (struct bytes){copy, n});
    free(copy);
    return fate;
}

static enum query_fate ask(struct query *query, const struct question *question)
{
    uint8_t message[QUESTION_MAX_BYTES];
    return parse(query, message, question_write(question, message));
}

static void a_plain_question_is_read(void **)
{
    struct query query;
    const struct question question = {.name = "www.example.org", .type = 16, .flags = QUESTION_RD};
    assert_int_equal(ask(&query, &question), QUERY_ANSWER);
    assert_true(query.has_question);
    assert_int_equal(query.flags, FLAG_RD);
    assert_int_equal(query.qtype, TYPE_TXT);
    assert_int_equal(query.qclass, CLASS_IN);
    assert_int_equal(query.n_question, 12 + 17 + 4);
    assert_false(query.has_edns);
    assert_false(query.is_do);
    assert_int_equal(query.udp_bytes, 512);
}

static void the_name_is_folded_and_its_labels_are_noted(void **)
{
    struct query query;
    assert_int_equal(ask(&query, &(struct question){.name = "WwW.eXample.ORG", .type = 1}), QUERY_ANSWER);
    assert_int_equal(query.n_qname, 17);
    assert_memory_equal(query.qname, "\3www\7example\3org", 17);
    assert_int_equal(query.n_labels, 3);
    assert_memory_equal(query.label, "\0\4\14\20", 4);
}

static void only_ascii_letters_are_folded(void **)
{
    struct query query;
    uint8_t message[12 + 1 + 63 + 1 + 4] = {[5] = 1, [12] = 63};
    for (unsigned first = 0; first < 256; first += 63) {
        for (unsigned i = 0; i < 63; i++)
            message[13 + i] = (uint8_t)(first + i);
        assert_int_equal(parse(&query, message, sizeof message), QUERY_ANSWER);
        for (unsigned i = 0; i < 63; i++) {
            uint8_t c = (uint8_t)(first + i);
            assert_int_equal(query.qname[1 + i], c < 128 ? tolower(c) : c);
        }
    }
}

static void the_root_has_no_labels(void **)
{
    struct query query;
    assert_int_equal(ask(&query, &(struct question){.name = ".", .type = 2}), QUERY_ANSWER);
    assert_int_equal(query.n_labels, 0);
    assert_int_equal(query.n_qname, 1);
    assert_int_equal(query.label[0], 0);
    assert_int_equal(query.qname[0], 0);
    assert_int_equal(query.n_question, 17);
}

static void a_name_of_127_labels_and_255_bytes_fits(void **)
{
    struct query query;
    uint8_t message[12 + 255 + 4] = {[5] = 1};
    for (size_t i = 0; i < 127; i++)
        memcpy(message + 12 + 2 * i, "\1X", 2);
    assert_int_equal(parse(&query, message, sizeof message), QUERY_ANSWER);
    assert_int_equal(query.n_labels, 127);
    assert_int_equal(query.n_qname, 255);
    for (size_t i = 0; i <= 127; i++)
        assert_int_equal(query.label[i], 2 * i);
    message[12 + 254] = 1; // one label more
    assert_int_equal(parse(&query, message, sizeof message), QUERY_FORMERR);
    assert_false(query.has_question);
    assert_int_equal(query.n_question, HEADER_BYTES);
}

// Any sequence of label lengths: read when the name has 255 bytes or fewer, and refused when it has more.
static void every_length_of_name_up_to_255_is_read(void **)
{
    uint8_t message[12 + 400 + 4];
    for (size_t length = 1; length <= 63; length++)
        for (size_t n_labels = 0; n_labels * (length + 1) < 320; n_labels++) {
            struct query query;
            struct writer w = writer_of(message, sizeof message);
            put_bytes(&w, "\0\0\0\0\0\1\0\0\0\0\0", 12);
            for (size_t i = 0; i < n_labels; i++) {
                put_u8(&w, (unsigned)length);
                memset(put_space(&w, length), 'x', length);
            }
            put_bytes(&w, "\0\0\1\0\1", 5);
            size_t n_name = n_labels * (length + 1) + 1;
            enum query_fate fate = parse(&query, message, writer_used(&w));
            assert_int_equal(fate, n_name <= 255 ? QUERY_ANSWER : QUERY_FORMERR);
            if (fate == QUERY_ANSWER)
                assert_int_equal(query.n_qname, n_name);
        }
}

static void edns_tells_size_version_and_do(void **)
{
    static const struct {
        uint16_t told;
        uint16_t read;
    } sizes[] = {{0, 512}, {511, 512}, {512, 512}, {513, 513}, {1232, 1232}, {65535, 65535}};
    for (size_t i = 0; i < N_OF(sizes); i++) {
        struct query query;
        const struct question question = {
            .name = "example.org", .type = 1, .has_edns = true, .udp_bytes = sizes[i].told, .is_do = i % 2 != 0};
        assert_int_equal(ask(&query, &question), QUERY_ANSWER);
        assert_true(query.has_edns);
        assert_int_equal(query.udp_bytes, sizes[i].read);
        assert_int_equal(query.is_do, i % 2 != 0);
    }
}

static void the_first_cookie_and_the_wish_for_nsid_are_read(void **)
{
    static const char options[] = "\0\3\0\0\0\12\0\10abcdefgh\0\12\0\10ijklmnop";
    struct query query;
    struct question question = {
        .name = "example.org", .type = 1, .has_edns = true, .options = {(const uint8_t *)options, sizeof options - 1}};
    assert_int_equal(ask(&query, &question), QUERY_ANSWER);
    assert_true(query.asked.wants_nsid);
    assert_int_equal(query.asked.n_cookie, 8);
    assert_memory_equal(query.asked.cookie, "abcdefgh", 8);
    question.options.n = 0;
    assert_int_equal(ask(&query, &question), QUERY_ANSWER);
    assert_false(query.asked.wants_nsid);
    assert_int_equal(query.asked.n_cookie, 0);
}

static void no_question_is_sound_with_a_cookie_alone(void **)
{
    uint8_t message[] = {0, 1, 0, 0, 0,  0, 0,  0, 0, 0,   0,   1,   0,   0,   41,  2,   0,  0,
                         0, 0, 0, 0, 12, 0, 10, 0, 8, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'};
    struct query query;
    assert_int_equal(parse(&query, message, sizeof message), QUERY_COOKIE);
    assert_false(query.has_question);
    message[24] = 11; // another option
    assert_int_equal(parse(&query, message, sizeof message), QUERY_FORMERR);
    message[24] = 10;
    message[18] = 1; // another version of EDNS
    assert_int_equal(parse(&query, message, sizeof message), QUERY_BADVERS);
}

static void a_newer_edns_is_told_with_all_else_read(void **)
{
    struct query query;
    const struct question question = {
        .name = "example.org", .type = 1, .has_edns = true, .udp_bytes = 900, .is_do = true, .version = 1};
    assert_int_equal(ask(&query, &question), QUERY_BADVERS);
    assert_true(query.has_question && query.has_edns && query.is_do);
    assert_int_equal(query.udp_bytes, 900);
}

static void a_question_is_kept_when_what_follows_it_is_malformed(void **)
{
    struct query query;
    uint8_t message[QUESTION_MAX_BYTES];
    size_t n = question_write(&(struct question){.name = "example.org", .type = 1}, message);
    message[n] = 0;
    assert_int_equal(parse(&query, message, n + 1), QUERY_FORMERR);
    assert_true(query.has_question);
    assert_int_equal(query.n_question, n);
    message[11] = 1;
    assert_int_equal(parse(&query, message, n), QUERY_FORMERR);
    assert_true(query.has_question);
}

static void an_opt_that_is_read_before_the_mistake_still_counts(void **)
{
    struct query query;
    uint8_t message[QUESTION_MAX_BYTES];
    size_t n = question_write(&(struct question){.name = "example.org", .type = 1, .has_edns = true, .udp_bytes = 800},
                              message);
    message[n] = 0;
    assert_int_equal(parse(&query, message, n + 1), QUERY_FORMERR);
    assert_true(query.has_edns);
    assert_int_equal(query.udp_bytes, 800);
}

static void a_header_that_is_an_answer_or_too_short_is_dropped(void **)
{
    struct query query;
    uint8_t message[QUESTION_MAX_BYTES];
    size_t n = question_write(&(struct question){.name = "example.org", .type = 1}, message);
    for (size_t cut = 0; cut < HEADER_BYTES; cut++)
        assert_int_equal(parse(&query, message, cut), QUERY_DROP);
    for (unsigned flags = 0x80; flags < 0x100; flags++) {
        message[2] = (uint8_t)flags;
        assert_int_equal(parse(&query, message, n), QUERY_DROP);
    }
}

static void only_opcode_0_is_answered(void **)
{
    struct query query;
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        const struct question question = {.name = "example.org", .type = 1, .flags = QUESTION_OPCODE(opcode)};
        assert_int_equal(ask(&query, &question), opcode == 0 ? QUERY_ANSWER : QUERY_NOTIMP);
        assert_true(query.has_question);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_question_is_read),
        cmocka_unit_test(the_name_is_folded_and_its_labels_are_noted),
        cmocka_unit_test(only_ascii_letters_are_folded),
        cmocka_unit_test(the_root_has_no_labels),
        cmocka_unit_test(a_name_of_127_labels_and_255_bytes_fits),
        cmocka_unit_test(every_length_of_name_up_to_255_is_read),
        cmocka_unit_test(edns_tells_size_version_and_do),
        cmocka_unit_test(the_first_cookie_and_the_wish_for_nsid_are_read),
        cmocka_unit_test(no_question_is_sound_with_a_cookie_alone),
        cmocka_unit_test(a_newer_edns_is_told_with_all_else_read),
        cmocka_unit_test(a_question_is_kept_when_what_follows_it_is_malformed),
        cmocka_unit_test(an_opt_that_is_read_before_the_mistake_still_counts),
        cmocka_unit_test(a_header_that_is_an_answer_or_too_short_is_dropped),
        cmocka_unit_test(only_opcode_0_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

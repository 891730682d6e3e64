// SPDX-License-Identifier: MIT
// gRPC's frames and trailers: whole however they are cut, and refused when they are not what we speak.
#include "grpc.h"

#include "etcd.pb-c.h"
#include "expect.h"

#include <stdio.h>
#include <stdlib.h>

static void add(struct grpc_inflow *inflow, const void *data, size_t n)
{
    expect_ok(grpc_inflow_add(inflow, (struct bytes){data, n}));
}

static void expect_message(struct grpc_inflow *inflow, const char *text)
{
    struct bytes message;
    expect_ok(grpc_inflow_take(inflow, &message));
    assert_true(bytes_equal(message, bytes_of_text(text)));
}

static void expect_none(struct grpc_inflow *inflow)
{
    struct bytes message;
    expect_err(grpc_inflow_take(inflow, &message), ERR_NOT_FOUND);
}

static void a_message_becomes_a_frame_that_etcd_reads(void **)
{
    uint8_t *frame;
    size_t n;
    Etcd__RangeRequest request = ETCD__RANGE_REQUEST__INIT;
    request.key = (ProtobufCBinaryData){3, (uint8_t *)"a/1"};
    expect_ok(grpc_frame(&request.base, &frame, &n));
    assert_int_equal(n, 10);
    assert_memory_equal(frame, "\0\0\0\0\5\n\3a/1", n);
    free(frame);
}

static void the_number_zero_of_a_comparison_is_sent(void **)
{
    uint8_t *frame;
    size_t n;
    Etcd__Compare compare = ETCD__COMPARE__INIT;
    compare.target_union_case = ETCD__COMPARE__TARGET_UNION_VERSION;
    expect_ok(grpc_frame(&compare.base, &frame, &n));
    assert_int_equal(n, GRPC_HEAD_BYTES + 2);
    assert_memory_equal(frame + GRPC_HEAD_BYTES, "\x20\0", 2); // field 4, varint 0
    free(frame);
}

static void messages_are_whole_wherever_they_are_cut(void **)
{
    static const char bytes[] = "\0\0\0\0\3one\0\0\0\0\0\0\0\0\0\5three";
    static const size_t n = sizeof bytes - 1;
    for (size_t first = 0; first <= n; first++) {
        for (size_t second = first; second <= n; second++) {
            struct grpc_inflow inflow = {0};
            struct bytes message;
            char got[64] = "";
            const size_t cuts[] = {0, first, second, n};
            for (size_t i = 0; i < 3; i++) {
                add(&inflow, bytes + cuts[i], cuts[i + 1] - cuts[i]);
                while (grpc_inflow_take(&inflow, &message) == ERR_OK)
                    snprintf(got + strlen(got), sizeof got - strlen(got), "<%.*s>", (int)message.n,
                             (const char *)message.at);
            }
            assert_string_equal(got, "<one><><three>");
            grpc_inflow_free(&inflow);
        }
    }
}

static void what_was_handed_out_stays_until_more_is_added(void **)
{
    struct grpc_inflow inflow = {0};
    struct bytes one, two;
    add(&inflow, "\0\0\0\0\3one\0\0\0\0\3two\0\0", 18);
    expect_ok(grpc_inflow_take(&inflow, &one));
    expect_ok(grpc_inflow_take(&inflow, &two));
    expect_none(&inflow);
    assert_true(bytes_equal(one, bytes_of_text("one")) && bytes_equal(two, bytes_of_text("two")));
    add(&inflow, "\0\0\4four", 7);
    expect_message(&inflow, "four");
    grpc_inflow_free(&inflow);
}

static void a_long_message_comes_in_many_pieces(void **)
{
    enum { N = 300000 };
    struct grpc_inflow inflow = {0};
    struct bytes message;
    add(&inflow, "\0\0\4\x93\xe0", 5);
    for (size_t i = 0; i < N; i += 1000) {
        uint8_t piece[1000];
        memset(piece, (int)(i / 1000 & 0xff), sizeof piece);
        expect_none(&inflow);
        add(&inflow, piece, sizeof piece);
    }
    expect_ok(grpc_inflow_take(&inflow, &message));
    assert_int_equal(message.n, N);
    assert_int_equal(message.at[N - 1], 299 & 0xff);
    grpc_inflow_free(&inflow);
}

static void a_compressed_or_too_long_message_is_refused(void **)
{
    static const char *const heads[] = {"\1\0\0\0\1x", "\0\xff\xff\xff\xff", "\0\4\0\0\1"};
    for (size_t i = 0; i < N_OF(heads); i++) {
        struct grpc_inflow inflow = {0};
        struct bytes message;
        add(&inflow, heads[i], 5);
        expect_err(grpc_inflow_take(&inflow, &message), ERR_SYNTAX);
        grpc_inflow_free(&inflow);
    }
}

static struct grpc_status read_lines(const char *const *lines)
{
    struct grpc_status status = {0};
    for (; *lines != NULL; lines++)
        grpc_status_read(&status, bytes_of_text(*lines));
    return status;
}

#define READ(...) read_lines((const char *const[]){__VA_ARGS__, NULL})

static void the_outcome_is_read_from_headers_and_trailers(void **)
{
    struct grpc_status status =
        READ("HTTP/2 200 \r\n", "content-type: application/grpc\r\n", "\r\n", "grpc-status: 0\r\n");
    assert_int_equal(status.http_status, 200);
    assert_true(status.has_code);
    assert_int_equal(status.code, GRPC_OK);
    assert_string_equal(status.text, "");

    status = READ("HTTP/2 200\r\n", "Grpc-Status:16\r\n", "GRPC-MESSAGE: etcdserver: invalid auth token\r\n");
    assert_int_equal(status.code, GRPC_UNAUTHENTICATED);
    assert_string_equal(status.text, "etcdserver: invalid auth token");

    status = READ("HTTP/1.1 404 Not Found\r\n", "Content-Length: 19\r\n");
    assert_int_equal(status.http_status, 404);
    assert_false(status.has_code);
}

static void a_status_that_is_no_number_is_an_unknown_error(void **)
{
    static const char *const lines[] = {"grpc-status: \r\n", "grpc-status: ok\r\n", "grpc-status: -1\r\n"};
    for (size_t i = 0; i < N_OF(lines); i++) {
        struct grpc_status status = READ(lines[i]);
        assert_true(status.has_code);
        assert_int_equal(status.code, GRPC_UNKNOWN);
    }
    static const char *const others[] = {"",      "grpc-status", "grpc-statu: 0\r\n", "grpc-status-details: 0\r\n",
                                         "HTTP/", "HTTP/2\r\n"};
    for (size_t i = 0; i < N_OF(others); i++) {
        struct grpc_status status = READ(others[i]);
        assert_false(status.has_code);
        assert_int_equal(status.http_status, 0);
    }
}

static void the_text_is_decoded_made_harmless_and_cut(void **)
{
    char line[GRPC_TEXT_MAX + 100] = "grpc-message: ";
    assert_string_equal(READ("grpc-message: 50%25 of %E2%82%AC\r\n").text, "50% of \xe2\x82\xac");
    assert_string_equal(READ("grpc-message: a%0Ab%1b%7F\r\n").text, "a b  ");
    assert_string_equal(READ("grpc-message: 5% and %4 and %zz\r\n").text, "5% and %4 and %zz");
    memset(line + strlen(line), 'x', sizeof line - strlen(line) - 1);
    assert_int_equal(strlen(READ(line).text), GRPC_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_becomes_a_frame_that_etcd_reads),
        cmocka_unit_test(the_number_zero_of_a_comparison_is_sent),
        cmocka_unit_test(messages_are_whole_wherever_they_are_cut),
        cmocka_unit_test(what_was_handed_out_stays_until_more_is_added),
        cmocka_unit_test(a_long_message_comes_in_many_pieces),
        cmocka_unit_test(a_compressed_or_too_long_message_is_refused),
        cmocka_unit_test(the_outcome_is_read_from_headers_and_trailers),
        cmocka_unit_test(a_status_that_is_no_number_is_an_unknown_error),
        cmocka_unit_test(the_text_is_decoded_made_harmless_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

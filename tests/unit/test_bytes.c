// SPDX-License-Identifier: MIT
// Views and cursors: what they read and write, and that the first error sticks.
#include "bytes.h"

#include "expect.h"

static void numbers_are_read_in_network_byte_order(void **)
{
    struct reader r = reader_of("\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 15);
    assert_int_equal(take_u8(&r), 0x01);
    assert_int_equal(take_u16(&r), 0x0203);
    assert_int_equal(take_u32(&r), 0x04050607);
    assert_false(reader_is_done(&r));
    assert_int_equal(reader_left(&r), 8);
    assert_int_equal(take_u64(&r), 0x08090a0b0c0d0e0f);
    assert_true(reader_is_done(&r));
    assert_int_equal(reader_left(&r), 0);
}

static void numbers_are_written_as_they_are_read(void **)
{
    uint8_t space[15];
    struct writer w = writer_of(space, sizeof space);
    put_u8(&w, 0xff);
    put_u16(&w, 0xfedc);
    put_u32(&w, 0xba987654);
    put_u64(&w, 0x3210ffeeddccbbaa);
    assert_false(w.is_bad);
    assert_int_equal(writer_used(&w), 15);
    assert_int_equal(writer_left(&w), 0);
    struct reader r = reader_of(space, sizeof space);
    assert_int_equal(take_u8(&r), 0xff);
    assert_int_equal(take_u16(&r), 0xfedc);
    assert_int_equal(take_u32(&r), 0xba987654);
    assert_int_equal(take_u64(&r), 0x3210ffeeddccbbaa);
    assert_true(reader_is_done(&r));
}

static void bytes_are_taken_in_place(void **)
{
    static const char text[] = "abcdef";
    struct reader r = reader_of(text, 6);
    assert_ptr_equal(take_bytes(&r, 2), text);
    assert_ptr_equal(take_bytes(&r, 0), text + 2);
    assert_ptr_equal(take_bytes(&r, 4), text + 2);
    assert_non_null(take_bytes(&r, 0));
    assert_true(reader_is_done(&r));
}

static void a_read_past_the_end_gives_zero_and_stays_an_error(void **)
{
    for (unsigned n = 0; n < 8; n++) {
        struct reader r = reader_of("\1\2\3\4\5\6\7", n);
        assert_int_equal(take_u64(&r), 0);
        assert_true(r.is_bad);
        assert_int_equal(take_u8(&r), 0);
        assert_int_equal(take_u16(&r), 0);
        assert_null(take_bytes(&r, 0));
        assert_false(reader_is_done(&r));
    }
    struct reader three = reader_of("\1\2\3", 3);
    assert_int_equal(take_u32(&three), 0);
    struct reader r = reader_of("\1\2", 2);
    assert_null(take_bytes(&r, SIZE_MAX));
    assert_null(take_bytes(&r, 1));
}

static void a_write_past_the_end_does_nothing_and_stays_an_error(void **)
{
    uint8_t space[4] = {9, 9, 9, 9};
    struct writer w = writer_of(space, 3);
    put_u16(&w, 0x0102);
    put_u16(&w, 0x0304);
    assert_true(w.is_bad);
    assert_int_equal(writer_used(&w), 2);
    put_u8(&w, 5); // would fit
    put_u32(&w, 0x06070809);
    put_bytes(&w, "x", 1);
    put_bytes(&w, NULL, 0);
    assert_null(put_space(&w, 0));
    assert_int_equal(writer_used(&w), 2);
    assert_memory_equal(space, "\1\2\11\11", 4);
    struct writer other = writer_of(space, 3);
    put_u32(&other, 0x06070809);
    assert_int_equal(writer_used(&other), 0);
    assert_memory_equal(space, "\1\2\11\11", 4);
    other.is_bad = false;
    assert_null(put_space(&other, SIZE_MAX));
    assert_true(other.is_bad);
}

static void nothing_can_be_read_and_written_too(void **)
{
    struct reader r = reader_of(NULL, 0);
    assert_true(reader_is_done(&r));
    assert_int_equal(take_u8(&r), 0);
    assert_true(r.is_bad);
    uint8_t space[1];
    struct writer w = writer_of(space, 0);
    put_bytes(&w, NULL, 0);
    assert_false(w.is_bad);
    assert_int_equal(writer_used(&w), 0);
    put_u8(&w, 1);
    assert_true(w.is_bad);
}

static void views_are_equal_when_their_bytes_are(void **)
{
    const struct bytes empty = {0}, also_empty = bytes_of_text("");
    assert_true(bytes_equal(empty, also_empty));
    assert_true(bytes_equal(bytes_of_text("ab"), bytes_of_text("ab")));
    assert_true(bytes_equal((struct bytes){(const uint8_t *)"a\0b", 3}, (struct bytes){(const uint8_t *)"a\0b", 3}));
    assert_false(bytes_equal((struct bytes){(const uint8_t *)"a\0b", 3}, (struct bytes){(const uint8_t *)"a\0c", 3}));
    assert_false(bytes_equal(bytes_of_text("ab"), bytes_of_text("abc")));
    assert_false(bytes_equal(bytes_of_text("ab"), bytes_of_text("AB")));
    assert_false(bytes_equal(empty, bytes_of_text("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_network_byte_order),
        cmocka_unit_test(numbers_are_written_as_they_are_read),
        cmocka_unit_test(bytes_are_taken_in_place),
        cmocka_unit_test(a_read_past_the_end_gives_zero_and_stays_an_error),
        cmocka_unit_test(a_write_past_the_end_does_nothing_and_stays_an_error),
        cmocka_unit_test(nothing_can_be_read_and_written_too),
        cmocka_unit_test(views_are_equal_when_their_bytes_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

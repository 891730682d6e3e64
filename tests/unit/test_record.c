// SPDX-License-Identifier: MIT
// Records of the store: what is written is read again, updates keep the right values, damage never leads outside.
#include "record.h"

#include "expect.h"

#include <stdio.h>
#include <stdlib.h>

static const struct uuid USER = {.at = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}};

// A record in memory of exactly its own length, so that the sanitizers see a look past its end.
struct exact {
    uint8_t *at;
    size_t n;
};

static struct exact exact_of(const void *data, size_t n)
{
    struct exact exact = {malloc(n == 0 ? 1 : n), n};
    assert_non_null(exact.at);
    if (n != 0)
        memcpy(exact.at, data, n);
    return exact;
}

static struct bytes view(struct exact exact)
{
    return (struct bytes){exact.at, exact.n};
}

// --- Accounts ---

static const struct account ACCOUNT = {.username = {.at = {1, 2, 3}},
                                       .subdomain = {(const uint8_t *)"8e5700ea", 8},
                                       .hash = {(const uint8_t *)"$argon2id$hash", 14},
                                       .allowfrom = {(const uint8_t *)"\12"
                                                                      "10.0.0.0/8"
                                                                      "\7"
                                                                      "::1/128",
                                                     19},
                                       .created_s = 0x0123456789abcdef};

static void expect_account(const struct account *got, const struct account *wanted)
{
    assert_memory_equal(&got->username, &wanted->username, sizeof got->username);
    assert_true(bytes_equal(got->subdomain, wanted->subdomain));
    assert_true(bytes_equal(got->hash, wanted->hash));
    assert_true(bytes_equal(got->allowfrom, wanted->allowfrom));
    assert_int_equal(got->created_s, wanted->created_s);
}

static void an_account_is_read_as_it_was_written(void **)
{
    uint8_t space[256];
    struct writer w = writer_of(space, sizeof space);
    record_write_account(&w, &ACCOUNT);
    assert_false(w.is_bad);
    struct account account;
    expect_ok(record_read_account((struct bytes){space, writer_used(&w)}, &ACCOUNT.username, &account));
    expect_account(&account, &ACCOUNT);
}

static void the_smallest_and_the_largest_account_are_kept(void **)
{
    static uint8_t space[3 * UINT16_MAX], fill[UINT16_MAX + 1];
    memset(fill, 'x', sizeof fill);
    const struct account accounts[] = {
        {.username = USER, .subdomain = {fill, 1}},
        {.username = USER,
         .subdomain = {fill, 63},
         .hash = {fill, UINT16_MAX},
         .allowfrom = {fill, UINT16_MAX},
         .created_s = UINT64_MAX},
    };
    for (size_t i = 0; i < N_OF(accounts); i++) {
        struct account account;
        struct writer w = writer_of(space, sizeof space);
        record_write_account(&w, &accounts[i]);
        assert_false(w.is_bad);
        expect_ok(record_read_account((struct bytes){space, writer_used(&w)}, &USER, &account));
        expect_account(&account, &accounts[i]);
    }
    struct account too_large = accounts[1];
    too_large.hash.n++;
    struct writer w = writer_of(space, sizeof space);
    record_write_account(&w, &too_large);
    assert_true(w.is_bad);
}

static void an_account_that_does_not_fit_leaves_the_writer_bad(void **)
{
    uint8_t space[256];
    struct writer whole = writer_of(space, sizeof space);
    record_write_account(&whole, &ACCOUNT);
    for (size_t n = 0; n <= writer_used(&whole); n++) {
        struct exact room = exact_of(space, n);
        struct writer w = writer_of(room.at, room.n);
        record_write_account(&w, &ACCOUNT);
        assert_int_equal(w.is_bad, n < writer_used(&whole));
        free(room.at);
    }
}

static void a_cut_or_damaged_account_is_refused_or_stays_within_its_bytes(void **)
{
    uint8_t space[256] = {0};
    struct writer w = writer_of(space, sizeof space);
    record_write_account(&w, &ACCOUNT);
    struct account account;
    for (size_t n = 0; n < writer_used(&w); n++) {
        struct exact cut = exact_of(space, n);
        expect_err(record_read_account(view(cut), &USER, &account), ERR_CORRUPT);
        free(cut.at);
    }
    expect_err(record_read_account((struct bytes){space, writer_used(&w) + 1}, &USER, &account), ERR_CORRUPT);
    struct exact record = exact_of(space, writer_used(&w));
    for (size_t at = 0; at < record.n; at++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t before = record.at[at];
            record.at[at] = (uint8_t)value;
            enum err err = record_read_account(view(record), &USER, &account);
            if (err == ERR_OK) {
                assert_true(account.subdomain.at + account.subdomain.n <= record.at + record.n);
                assert_true(account.hash.at + account.hash.n <= record.at + record.n);
                assert_true(account.allowfrom.at + account.allowfrom.n <= record.at + record.n);
            } else {
                assert_int_equal(err, ERR_CORRUPT);
            }
            record.at[at] = before;
        }
    record.at[0] = 3;
    expect_err(record_read_account(view(record), &USER, &account), ERR_CORRUPT);
    free(record.at);
}

static void a_list_of_texts_is_walked_to_its_end_or_its_first_mistake(void **)
{
    struct reader list = reader_of("\1a\0\3xyz", 7);
    struct bytes text;
    assert_true(account_next_text(&list, &text));
    assert_true(bytes_equal(text, bytes_of_text("a")));
    assert_true(account_next_text(&list, &text));
    assert_int_equal(text.n, 0);
    assert_true(account_next_text(&list, &text));
    assert_true(bytes_equal(text, bytes_of_text("xyz")));
    assert_false(account_next_text(&list, &text));
    assert_false(list.is_bad);

    struct reader cut = reader_of("\1a\3xy", 5);
    assert_true(account_next_text(&cut, &text));
    assert_false(account_next_text(&cut, &text));
    assert_true(cut.is_bad);
    struct reader none = reader_of(NULL, 0);
    assert_false(account_next_text(&none, &text));
}

// --- Values ---

// The record after updates with the letters of `values`, of which at most `n_values` are kept; the time is the letter's
// place.
static struct exact after_updates(const char *values, unsigned n_values)
{
    static uint8_t space[2][RECORD_MAX_BYTES];
    struct writer w = writer_of(space[0], sizeof space[0]);
    record_write_no_values(&w, &USER);
    unsigned now = 1, side = 0;
    for (const char *value = values; *value != '\0'; value++, side ^= 1) {
        struct writer next = writer_of(space[side ^ 1], sizeof space[0]);
        const uint8_t rdata[2] = {1, (uint8_t)*value};
        const struct record_update update = {{rdata, sizeof rdata}, n_values, now++};
        expect_ok(record_write_update(&next, (struct bytes){w.start, writer_used(&w)}, &update));
        assert_false(next.is_bad);
        w = next;
    }
    return exact_of(w.start, writer_used(&w));
}

static void expect_values(const char *updates, unsigned n_values, const char *wanted)
{
    struct exact record = after_updates(updates, n_values);
    struct txt txt;
    char got[RECORD_VALUES_MAX + 1] = "";
    expect_ok(record_read_txt(view(record), &txt));
    assert_memory_equal(&txt.username, &USER, sizeof USER);
    assert_int_equal(txt.used_s, strlen(updates));
    assert_int_equal(txt.n_values, strlen(wanted));
    assert_int_equal(txt.rdata.n, 4 * strlen(wanted));
    for (unsigned i = 0; i < txt.n_values; i++) {
        assert_memory_equal(txt.rdata.at + 4 * i, "\0\2\1", 3);
        got[i] = (char)txt.rdata.at[4 * i + 3];
    }
    assert_string_equal(got, wanted);
    free(record.at);
}

static void the_youngest_values_are_kept_and_a_repeated_one_becomes_the_youngest(void **)
{
    static const struct {
        const char *updates;
        unsigned n_values;
        const char *kept;
    } rows[] = {
        {"", 2, ""},
        {"a", 2, "a"},
        {"ab", 2, "ab"},
        {"abc", 2, "bc"},
        {"abcd", 2, "cd"},
        {"aa", 2, "a"},
        {"aba", 2, "ba"},
        {"abb", 2, "ab"},
        {"abac", 2, "ac"},
        {"ababab", 2, "ab"},
        {"abcabc", 3, "abc"},
        {"abcb", 3, "acb"},
        {"abca", 3, "bca"},
        {"abcad", 3, "cad"},
        {"ab", 1, "b"},
        {"aa", 1, "a"},
        {"abcdef", 64, "abcdef"},
        {"abcdeffed", 64, "abcfed"},
        {"aaaaaaaaaa", 64, "a"},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        expect_values(rows[i].updates, rows[i].n_values, rows[i].kept);
}

static void sixty_four_values_are_kept_and_not_one_more(void **)
{
    static const char all[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-*/";
    expect_values(all, 64, all + 2);
}

static void a_lowered_limit_takes_the_oldest_at_the_next_update(void **)
{
    struct exact old = after_updates("abcdef", 64);
    uint8_t space[256];
    struct writer w = writer_of(space, sizeof space);
    const struct record_update update = {{(const uint8_t *)"\1x", 2}, 2, 99};
    expect_ok(record_write_update(&w, view(old), &update));
    struct txt txt;
    expect_ok(record_read_txt((struct bytes){space, writer_used(&w)}, &txt));
    assert_int_equal(txt.n_values, 2);
    assert_memory_equal(txt.rdata.at, "\0\2\1f\0\2\1x", 8);
    assert_int_equal(txt.used_s, 99);
    free(old.at);
}

static void each_value_keeps_the_time_of_its_last_update(void **)
{
    struct exact record = after_updates("abca", 3);
    struct reader times = reader_of(record.at + record.n - 24, 24);
    assert_int_equal(take_u64(&times), 2);
    assert_int_equal(take_u64(&times), 3);
    assert_int_equal(take_u64(&times), 4);
    free(record.at);
}

static void values_that_share_a_beginning_are_told_apart(void **)
{
    uint8_t space[2][256];
    static const char *const rdata[] = {"\1a", "\2aa", "\1", "", "\1a\1a"};
    struct writer w = writer_of(space[0], sizeof space[0]);
    record_write_no_values(&w, &USER);
    for (size_t i = 0; i < N_OF(rdata); i++) {
        struct writer next = writer_of(space[1 - i % 2], sizeof space[0]);
        const struct record_update update = {bytes_of_text(rdata[i]), 64, 1};
        expect_ok(record_write_update(&next, (struct bytes){w.start, writer_used(&w)}, &update));
        w = next;
    }
    struct txt txt;
    expect_ok(record_read_txt((struct bytes){w.start, writer_used(&w)}, &txt));
    assert_int_equal(txt.n_values, N_OF(rdata));
}

static void values_that_do_not_fit_leave_the_writer_bad(void **)
{
    static uint8_t large[UINT16_MAX], space[2][2 * RECORD_MAX_BYTES];
    struct exact old = after_updates("ab", 2);
    struct writer w = writer_of(space[0], 20);
    const struct record_update small = {{(const uint8_t *)"\1x", 2}, 2, 1};
    expect_ok(record_write_update(&w, view(old), &small));
    assert_true(w.is_bad);

    w = writer_of(space[0], sizeof space[0]);
    struct record_update half = {{large, 32766}, 2, 1}; // twice this and its length fit two bytes
    expect_ok(record_write_update(&w, view(old), &half));
    assert_false(w.is_bad);
    for (size_t n_more = 0; n_more < 2; n_more++) {
        struct writer next = writer_of(space[1], sizeof space[1]);
        large[0] = 1;
        half.rdata.n = 32765 + n_more;
        expect_ok(record_write_update(&next, (struct bytes){space[0], writer_used(&w)}, &half));
        assert_int_equal(next.is_bad, n_more != 0);
        large[0] = 0;
    }
    free(old.at);
}

// Whether a sound walk over the values stays in the record.
static void expect_whole(const struct txt *txt, struct exact record)
{
    struct reader r = reader_of(txt->rdata.at, txt->rdata.n);
    assert_true(txt->rdata.at + txt->rdata.n <= record.at + record.n);
    for (unsigned i = 0; i < txt->n_values; i++)
        take_bytes(&r, take_u16(&r));
    assert_true(reader_is_done(&r));
}

static void cut_or_damaged_values_are_refused_or_stay_whole(void **)
{
    struct exact whole = after_updates("abc", 3);
    struct txt txt;
    uint8_t space[256];
    const struct record_update update = {{(const uint8_t *)"\1x", 2}, 3, 1};
    for (size_t n = 0; n < whole.n; n++) {
        struct exact cut = exact_of(whole.at, n);
        struct writer w = writer_of(space, sizeof space);
        expect_err(record_read_txt(view(cut), &txt), ERR_CORRUPT);
        expect_err(record_write_update(&w, view(cut), &update), ERR_CORRUPT);
        free(cut.at);
    }
    for (size_t at = 0; at < whole.n; at++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t before = whole.at[at];
            struct writer w = writer_of(space, sizeof space);
            whole.at[at] = (uint8_t)value;
            enum err err = record_read_txt(view(whole), &txt);
            assert_true(err == ERR_OK || err == ERR_CORRUPT);
            if (err == ERR_OK)
                expect_whole(&txt, whole);
            expect_err(record_write_update(&w, view(whole), &update), err);
            whole.at[at] = before;
        }
    free(whole.at);
}

static void records_of_a_later_layout_and_garbage_are_refused(void **)
{
    static const struct bytes records[] = {
        {NULL, 0},
        {(const uint8_t *)"", 1},
        {(const uint8_t *)"\1", 1},
        {(const uint8_t *)"\2\0\0\0", 4},
        {(const uint8_t *)"\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"
                          "\377\377\377\377\377",
         28},
    };
    for (size_t i = 0; i < N_OF(records); i++) {
        struct txt txt = {.n_values = 77};
        struct account account = {.created_s = 77};
        expect_err(record_read_txt(records[i], &txt), ERR_CORRUPT);
        expect_err(record_read_account(records[i], &USER, &account), ERR_CORRUPT);
        assert_int_equal(txt.n_values, 77); // left alone
        assert_int_equal(account.created_s, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_read_as_it_was_written),
        cmocka_unit_test(the_smallest_and_the_largest_account_are_kept),
        cmocka_unit_test(an_account_that_does_not_fit_leaves_the_writer_bad),
        cmocka_unit_test(a_cut_or_damaged_account_is_refused_or_stays_within_its_bytes),
        cmocka_unit_test(a_list_of_texts_is_walked_to_its_end_or_its_first_mistake),
        cmocka_unit_test(the_youngest_values_are_kept_and_a_repeated_one_becomes_the_youngest),
        cmocka_unit_test(sixty_four_values_are_kept_and_not_one_more),
        cmocka_unit_test(a_lowered_limit_takes_the_oldest_at_the_next_update),
        cmocka_unit_test(each_value_keeps_the_time_of_its_last_update),
        cmocka_unit_test(values_that_share_a_beginning_are_told_apart),
        cmocka_unit_test(values_that_do_not_fit_leave_the_writer_bad),
        cmocka_unit_test(cut_or_damaged_values_are_refused_or_stay_whole),
        cmocka_unit_test(records_of_a_later_layout_and_garbage_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Which layout a record is written in, byte for byte: what needs nothing of the second is as the first programs wrote
// it.
#include "record.h"

#include "expect.h"

static const struct account ACCOUNT = {.username = {.at = {1, 2, 3}},
                                       .subdomain = {(const uint8_t *)"sub", 3},
                                       .hash = {(const uint8_t *)"hash", 4},
                                       .allowfrom = {(const uint8_t *)"\7::1/128", 8},
                                       .created_s = 0x0102};
#define FIRST "\0\0\0\0\0\0\1\2\3sub\0\4hash\0\10\7::1/128"

static void an_account_is_written_in_the_oldest_layout_that_can_hold_it(void **)
{
    static const struct {
        const char *note;
        bool is_disabled;
        struct bytes record;
    } rows[] = {{"", false, {(const uint8_t *)"\1" FIRST, sizeof FIRST}},
                {"a note", false, {(const uint8_t *)"\2\0" FIRST "\6a note", sizeof FIRST + 8}},
                {"", true, {(const uint8_t *)"\2\1" FIRST "\0", sizeof FIRST + 2}},
                {"both", true, {(const uint8_t *)"\2\1" FIRST "\4both", sizeof FIRST + 6}}};
    for (size_t i = 0; i < N_OF(rows); i++) {
        uint8_t space[256];
        struct account wanted = ACCOUNT, account;
        wanted.note = bytes_of_text(rows[i].note);
        wanted.is_disabled = rows[i].is_disabled;
        struct writer w = writer_of(space, sizeof space);
        record_write_account(&w, &wanted);
        assert_int_equal(writer_used(&w), rows[i].record.n);
        assert_memory_equal(space, rows[i].record.at, rows[i].record.n);
        expect_ok(record_read_account(rows[i].record, &ACCOUNT.username, &account));
        assert_true(account_equal(&account, &wanted));
    }
}

#define HEAD  "\1\0\4\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5"
#define VALUE "\0\2\1v\0\0\0\0\0\0\0\7"

static void values_can_be_withheld_and_are_written_as_they_were_read(void **)
{
    static const struct bytes records[] = {
        {(const uint8_t *)"\1" HEAD VALUE, sizeof HEAD VALUE},
        {(const uint8_t *)"\2\1" HEAD VALUE, sizeof HEAD VALUE + 1},
    };
    for (unsigned i = 0; i < N_OF(records); i++) {
        struct txt txt;
        uint8_t space[256];
        struct writer w = writer_of(space, sizeof space);
        expect_ok(record_read_txt(records[i], &txt));
        assert_int_equal(txt.is_withheld, i);
        assert_int_equal(txt.used_s, 5);
        record_write_txt(&w, &txt);
        assert_int_equal(writer_used(&w), records[i].n);
        assert_memory_equal(space, records[i].at, records[i].n);
    }
}

static void values_that_do_not_go_together_leave_the_writer_bad(void **)
{
    const struct bytes record = {(const uint8_t *)"\1" HEAD VALUE, sizeof HEAD VALUE};
    struct txt txt;
    uint8_t space[256];
    expect_ok(record_read_txt(record, &txt));
    struct txt odd[] = {txt, txt, txt};
    odd[0].n_values = 2;
    odd[1].times.n--;
    odd[2].rdata.n--;
    for (size_t i = 0; i < N_OF(odd); i++) {
        struct writer w = writer_of(space, sizeof space);
        record_write_txt(&w, &odd[i]);
        assert_true(w.is_bad);
    }
}

static void flags_of_a_later_program_are_refused(void **)
{
    struct account account;
    struct txt txt;
    const struct bytes records[] = {{(const uint8_t *)"\2\2" FIRST "\0", sizeof FIRST + 2},
                                    {(const uint8_t *)"\2\3" HEAD VALUE, sizeof HEAD VALUE + 1}};
    expect_err(record_read_account(records[0], &ACCOUNT.username, &account), ERR_CORRUPT);
    expect_err(record_read_txt(records[1], &txt), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_written_in_the_oldest_layout_that_can_hold_it),
        cmocka_unit_test(values_can_be_withheld_and_are_written_as_they_were_read),
        cmocka_unit_test(values_that_do_not_go_together_leave_the_writer_bad),
        cmocka_unit_test(flags_of_a_later_program_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

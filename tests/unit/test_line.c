// SPDX-License-Identifier: MIT
// Lines of an export: what is read is written again byte for byte, and what is no such line is refused.
#include "line.h"

#include "expect.h"

#include <stdlib.h>

#define NAME  "\"username\":\"0e8db9d1-7d0a-4b4b-8b5e-4c3b2a190807\",\"subdomain\":\"abc\""
#define HASH  "\"hash\":\"$2a$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234\""
#define FIRST NAME "," HASH
#define AFTER "\"created\":5,\"used\":9"

static struct entry *entry;

static int new_entry(void **)
{
    entry = malloc(sizeof *entry);
    return entry == NULL;
}

static int free_entry(void **)
{
    free(entry);
    return 0;
}

static void an_account_is_written_as_it_was_read(void **)
{
    static const char *const lines[] = {
        "{" FIRST ",\"allowfrom\":[]," AFTER ",\"values\":[]}\n",
        "{" FIRST ",\"allowfrom\":[\"192.0.2.0/24\",\"2001:db8::/32\"]," AFTER ",\"values\":[]}\n",
        "{" FIRST ",\"allowfrom\":[],\"note\":\"Für \\\"Ünal\\\"\",\"disabled\":true," AFTER ",\"values\":[]}\n",
        "{" FIRST ",\"allowfrom\":[]," AFTER
        ",\"values\":[{\"txt\":\"abc_-=\",\"at\":8},{\"rdata\":\"0161026263\",\"at\":9}]}\n",
    };
    for (size_t i = 0; i < N_OF(lines); i++) {
        struct line line;
        struct store_entry out;
        expect_ok(line_read(bytes_of_text(lines[i]), &line, entry));
        assert_int_equal(line.kind, LINE_ACCOUNT);
        assert_int_equal(line.skip, SKIP_NONE);
        assert_int_equal(entry_finish(entry, 2, &out), SKIP_NONE);
        char *again = line_write(&out);
        assert_string_equal(again, lines[i]);
        free(again);
    }
}

static void what_is_wrong_with_an_account_is_told(void **)
{
    static const struct {
        const char *text;
        enum skip wanted;
    } cases[] = {
        {"{}", SKIP_USERNAME},
        {"{\"username\":7}", SKIP_USERNAME},
        {"{" NAME "}", SKIP_HASH},
        {"{" FIRST "}", SKIP_NONE},
        {"{" FIRST ",\"allowfrom\":null,\"other\":1}", SKIP_NONE},
        {"{" FIRST ",\"allowfrom\":\"192.0.2.0/24\"}", SKIP_ALLOWFROM},
        {"{" FIRST ",\"allowfrom\":[7]}", SKIP_ALLOWFROM},
        {"{" FIRST ",\"created\":-1}", SKIP_LINE},
        {"{" FIRST ",\"used\":\"today\"}", SKIP_LINE},
        {"{" FIRST ",\"values\":7}", SKIP_LINE},
        {"{" FIRST ",\"values\":[7]}", SKIP_LINE},
        {"{" FIRST ",\"values\":[{\"txt\":\"a\",\"at\":1.5}]}", SKIP_LINE},
        {"{" FIRST ",\"values\":[{\"rdata\":\"zz\",\"at\":1}]}", SKIP_NONE},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct line line;
        expect_ok(line_read(bytes_of_text(cases[i].text), &line, entry));
        if (line.skip != cases[i].wanted)
            fail_msg("%s: %s, not %s", cases[i].text, skip_word(line.skip), skip_word(cases[i].wanted));
    }
    assert_int_equal(entry->n_bad_values, 1);
}

static void what_is_no_line_is_refused(void **)
{
    static const char *const texts[] = {"",    "7", "[]", "{", "{} {}", "{\"a\":1,\"a\":2}", "{\"acmezone_export\":-1}",
                                        "\xff"};
    for (size_t i = 0; i < N_OF(texts); i++) {
        struct line line;
        expect_err(line_read(bytes_of_text(texts[i]), &line, entry), ERR_SYNTAX);
    }
}

static void the_head_and_the_end_are_known(void **)
{
    struct line line;
    char *head = line_write_head(), *end = line_write_end(17);
    expect_ok(line_read(bytes_of_text(head), &line, entry));
    assert_true(line.kind == LINE_HEAD && line.number == LINE_VERSION);
    expect_ok(line_read(bytes_of_text(end), &line, entry));
    assert_true(line.kind == LINE_END && line.number == 17);
    free(head);
    free(end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_written_as_it_was_read),
        cmocka_unit_test(what_is_wrong_with_an_account_is_told),
        cmocka_unit_test(what_is_no_line_is_refused),
        cmocka_unit_test(the_head_and_the_end_are_known),
    };
    return cmocka_run_group_tests(tests, new_entry, free_entry);
}

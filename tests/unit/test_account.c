// SPDX-License-Identifier: MIT
// What may be chosen for an account: its subdomain and its note.
#include "account.h"

#include "expect.h"

#include <stdlib.h>

static void a_chosen_subdomain_is_one_label_of_a_host_name(void **)
{
    static const char label63[] = "a23456789-123456789-123456789-123456789-123456789-123456789-123";
    static const struct {
        const char *text;
        const char *subdomain; // a null pointer: refused
    } rows[] = {{"shop", "shop"},
                {"Shop-7", "shop-7"},
                {"7", "7"},
                {"x--y", "x--y"},
                {label63, label63},
                {"", NULL},
                {"-a", NULL},
                {"a-", NULL},
                {"_acme", NULL},
                {"a_b", NULL},
                {"a.b", NULL},
                {"a b", NULL},
                {"\xc3\xa4", NULL},
                {"*", NULL},
                {"a23456789-123456789-123456789-123456789-123456789-123456789-1234", NULL}};
    for (size_t i = 0; i < N_OF(rows); i++) {
        char out[SUBDOMAIN_MAX + 1] = "untouched";
        expect_err(account_parse_subdomain(bytes_of_text(rows[i].text), out),
                   rows[i].subdomain == NULL ? ERR_SUBDOMAIN : ERR_OK);
        assert_string_equal(out, rows[i].subdomain == NULL ? "untouched" : rows[i].subdomain);
    }
}

static void a_note_is_short_utf_8_without_control_characters(void **)
{
    static const char *const good[] = {"", "for Käte", "\xe2\x82\xac \xf0\x9f\x98\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf",
                                       "\"quoted\" \\"};
    static const char *const bad[] = {"a\nb",         "\x7f",         "\x1b[31m",         "\xc2\x85",
                                      "\x80",         "\xc3",         "\xc0\xaf",         "\xe0\x80\xaf",
                                      "\xed\xa0\x80", "\xf0\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                      "\xe2\x82",     "\xe2\x28\xa1"};
    for (size_t i = 0; i < N_OF(good); i++)
        expect_ok(account_check_note(bytes_of_text(good[i])));
    for (size_t i = 0; i < N_OF(bad); i++)
        expect_err(account_check_note(bytes_of_text(bad[i])), ERR_NOTE);
    static uint8_t large[ACCOUNT_NOTE_MAX + 1];
    memset(large, 'x', sizeof large);
    expect_ok(account_check_note((struct bytes){large, ACCOUNT_NOTE_MAX}));
    expect_err(account_check_note((struct bytes){large, sizeof large}), ERR_NOTE);
}

static void a_copy_has_bytes_of_its_own(void **)
{
    char text[] = "subhashnote";
    const uint8_t *at = (const uint8_t *)text;
    const struct account account = {.username = {.at = {7}},
                                    .subdomain = {at, 3},
                                    .hash = {at + 3, 4},
                                    .note = {at + 7, 4},
                                    .created_s = 5,
                                    .is_disabled = true};
    struct account copy;
    uint8_t *bytes;
    expect_ok(account_copy(&account, &copy, &bytes));
    assert_true(account_equal(&account, &copy));
    memset(text, 'x', sizeof text);
    assert_true(bytes_equal(copy.subdomain, bytes_of_text("sub")));
    assert_true(bytes_equal(copy.hash, bytes_of_text("hash")));
    assert_true(bytes_equal(copy.note, bytes_of_text("note")));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chosen_subdomain_is_one_label_of_a_host_name),
        cmocka_unit_test(a_note_is_short_utf_8_without_control_characters),
        cmocka_unit_test(a_copy_has_bytes_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

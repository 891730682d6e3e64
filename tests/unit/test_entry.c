// SPDX-License-Identifier: MIT
// An account on its way: each field is checked as it is set, values keep their order and their number.
#include "entry.h"

#include "expect.h"

#include <stdlib.h>

#define BCRYPT   "$2a$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
#define ARGON2ID "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"

// A type of its own, because cmocka has a macro skip().
typedef enum skip setter(struct entry *entry, struct bytes text);

static int new_entry(void **state)
{
    struct entry *entry = malloc(sizeof *entry);
    assert_non_null(entry);
    entry_begin(entry);
    *state = entry;
    return 0;
}

static int free_entry(void **state)
{
    free(*state);
    return 0;
}

static void fields_are_taken_or_refused_by_their_shape(void **state)
{
    static const struct {
        setter *set;
        const char *text;
        enum skip wanted;
    } cases[] = {
        {entry_set_username, "0E8DB9D1-7D0A-4B4B-8B5E-4C3B2A190807", SKIP_NONE},
        {entry_set_username, "0e8db9d17d0a4b4b8b5e4c3b2a190807", SKIP_NONE},
        {entry_set_username, "0e8db9d1-7d0a-4b4b-8b5e-4c3b2a19080", SKIP_USERNAME},
        {entry_set_username, "", SKIP_USERNAME},
        {entry_set_subdomain, "Chosen_name-1", SKIP_NONE},
        {entry_set_subdomain, "", SKIP_SUBDOMAIN},
        {entry_set_subdomain, "two.labels", SKIP_SUBDOMAIN},
        {entry_set_subdomain, "white space", SKIP_SUBDOMAIN},
        {entry_set_subdomain, "0123456789012345678901234567890123456789012345678901234567890123", SKIP_SUBDOMAIN},
        {entry_set_hash, BCRYPT, SKIP_NONE},
        {entry_set_hash, ARGON2ID, SKIP_NONE},
        {entry_set_hash, "", SKIP_HASH},
        {entry_set_hash, BCRYPT "5", SKIP_HASH},
        {entry_set_hash, "$2a$15$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234", SKIP_HASH},
        {entry_set_hash, "$2a$1x$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234", SKIP_HASH},
        {entry_set_hash, "$2x$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234", SKIP_HASH},
        {entry_set_hash, "$2a$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ 1234", SKIP_HASH},
        {entry_set_hash, "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", SKIP_HASH},
        {entry_set_hash, "password", SKIP_HASH},
        {entry_add_network, "192.0.2.1/24", SKIP_NONE},
        {entry_add_network, "[2001:db8::]/32", SKIP_NONE},
        {entry_add_network, "everywhere", SKIP_ALLOWFROM},
        {entry_add_network, "", SKIP_ALLOWFROM},
        {entry_set_note, "Für Ünal", SKIP_NONE},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        entry_begin(*state);
        enum skip got = cases[i].set(*state, bytes_of_text(cases[i].text));
        if (got != cases[i].wanted)
            fail_msg("\"%s\": %s, not %s", cases[i].text, skip_word(got), skip_word(cases[i].wanted));
    }
}

static void fill(struct entry *entry)
{
    entry_begin(entry);
    assert_int_equal(entry_set_username(entry, bytes_of_text("0e8db9d1-7d0a-4b4b-8b5e-4c3b2a190807")), SKIP_NONE);
    assert_int_equal(entry_set_subdomain(entry, bytes_of_text("ABC")), SKIP_NONE);
    assert_int_equal(entry_set_hash(entry, bytes_of_text(BCRYPT)), SKIP_NONE);
}

static void the_youngest_values_are_kept_in_their_order(void **state)
{
    struct entry *entry = *state;
    struct store_entry out;
    fill(entry);
    entry_add_text(entry, bytes_of_text("one"), 1);
    entry_add_text(entry, bytes_of_text("two"), 7);
    entry_add_text(entry, bytes_of_text("three"), 3);
    assert_int_equal(entry_finish(entry, 2, &out), SKIP_NONE);
    assert_int_equal(out.txt.n_values, 2);
    assert_int_equal(out.txt.used_s, 7);
    assert_true(bytes_equal(out.txt.rdata, (struct bytes){(const uint8_t *)"\0\4\3two\0\6\5three", 14}));
    assert_int_equal(out.txt.times.n, 16);
    assert_int_equal(out.txt.times.at[7], 7);
    assert_int_equal(out.txt.times.at[15], 3);
    assert_true(bytes_equal(out.account.subdomain, bytes_of_text("abc")));
    assert_int_equal(out.account.created_s, 0);
}

static void a_crowd_of_values_drives_the_oldest_out(void **state)
{
    struct entry *entry = *state;
    struct store_entry out;
    fill(entry);
    for (uint64_t i = 0; i < 3 * RECORD_VALUES_MAX; i++)
        entry_add_text(entry, bytes_of_text("x"), i);
    assert_int_equal(entry_finish(entry, RECORD_VALUES_MAX, &out), SKIP_NONE);
    assert_int_equal(out.txt.n_values, RECORD_VALUES_MAX);
    assert_int_equal(out.txt.times.at[7], 2 * RECORD_VALUES_MAX);
}

static void values_that_are_none_are_counted_and_left_out(void **state)
{
    struct entry *entry = *state;
    static const char *const texts[] = {"", "with a blank", "\x01", "quote\""};
    fill(entry);
    for (size_t i = 0; i < N_OF(texts); i++)
        entry_add_text(entry, bytes_of_text(texts[i]), 1);
    entry_add_rdata(entry, (struct bytes){(const uint8_t *)"\5two", 4}, 1);
    entry_add_rdata(entry, (struct bytes){NULL, 0}, 1);
    entry_add_rdata(entry, (struct bytes){(const uint8_t *)"\1a\2bc", 5}, 1);
    assert_int_equal(entry->n_bad_values, 6);
    assert_int_equal(entry->n_values, 1);
}

static void what_no_record_can_hold_is_too_large(void **state)
{
    struct entry *entry = *state;
    enum skip skip = SKIP_NONE;
    fill(entry);
    for (size_t i = 0; i < 100000 && skip == SKIP_NONE; i++)
        skip = entry_add_network(entry, bytes_of_text("2001:db8:1111:2222:3333:4444:5555:6666/128"));
    assert_int_equal(skip, SKIP_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_are_taken_or_refused_by_their_shape, new_entry, free_entry),
        cmocka_unit_test_setup_teardown(the_youngest_values_are_kept_in_their_order, new_entry, free_entry),
        cmocka_unit_test_setup_teardown(a_crowd_of_values_drives_the_oldest_out, new_entry, free_entry),
        cmocka_unit_test_setup_teardown(values_that_are_none_are_counted_and_left_out, new_entry, free_entry),
        cmocka_unit_test_setup_teardown(what_no_record_can_hold_is_too_large, new_entry, free_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

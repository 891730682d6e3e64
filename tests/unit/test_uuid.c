// SPDX-License-Identifier: MIT
// Spellings of a UUID: those that are read, those that are refused, the one that is written.
#include "uuid.h"

#include "expect.h"

#include <stdlib.h>
#include <string.h>

static const struct uuid KNOWN = {
    .at = {0x8e, 0x57, 0x00, 0xea, 0xa4, 0xbf, 0x41, 0xc7, 0x8a, 0x77, 0xe9, 0x90, 0x66, 0x1d, 0xcc, 0x6a}};

// Parses a copy that ends where the text does.
static enum err parse(const char *text, size_t n, struct uuid *uuid)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    assert_non_null(copy);
    memcpy(copy, text, n);
    enum err err = uuid_parse((struct bytes){copy, n}, uuid);
    free(copy);
    return err;
}

static void every_usual_spelling_is_read(void **)
{
    static const char *const spellings[] = {
        "8e5700ea-a4bf-41c7-8a77-e990661dcc6a",
        "8E5700EA-A4BF-41C7-8A77-E990661DCC6A",
        "8e5700EA-a4bF-41c7-8A77-e990661dCC6a",
        "8e5700eaa4bf41c78a77e990661dcc6a",
        "8E5700EAA4BF41C78A77E990661DCC6A",
        "{8e5700ea-a4bf-41c7-8a77-e990661dcc6a}",
        "{8E5700EA-A4BF-41C7-8A77-E990661DCC6A}",
        "urn:uuid:8e5700ea-a4bf-41c7-8a77-e990661dcc6a",
        "URN:UUID:8E5700EA-A4BF-41C7-8A77-E990661DCC6A",
    };
    for (size_t i = 0; i < N_OF(spellings); i++) {
        struct uuid uuid = {0};
        expect_ok(parse(spellings[i], strlen(spellings[i]), &uuid));
        assert_memory_equal(&uuid, &KNOWN, sizeof uuid);
    }
}

static void anything_else_is_refused_and_leaves_the_output_alone(void **)
{
    static const char *const texts[] = {
        "",
        "8e5700ea",
        "8e5700ea-a4bf-41c7-8a77-e990661dcc6",
        "8e5700ea-a4bf-41c7-8a77-e990661dcc6aa",
        "8e5700eaa4bf41c78a77e990661dcc6",
        "8e5700eaa4bf41c78a77e990661dcc6a0",
        "8e5700ea-a4bf-41c7-8a77e-990661dcc6a",
        "8e5700eaa-4bf-41c7-8a77-e990661dcc6a",
        "8e5700ea_a4bf_41c7_8a77_e990661dcc6a",
        "8e5700ea-a4bf-41c7-8a77-e990661dcc6g",
        "8e5700ea-a4bf-41c7-8a77-e990661dcc 6",
        " 8e5700ea-a4bf-41c7-8a77-e990661dcc6a",
        "8e5700ea-a4bf-41c7-8a77-e990661dcc6a ",
        "8e5700eaa4bf41c78a77e990661dcc6a\n",
        "{8e5700ea-a4bf-41c7-8a77-e990661dcc6a",
        "8e5700ea-a4bf-41c7-8a77-e990661dcc6a}",
        "[8e5700ea-a4bf-41c7-8a77-e990661dcc6a]",
        "(8e5700ea-a4bf-41c7-8a77-e990661dcc6a)",
        "[8e5700ea-a4bf-41c7-8a77-e990661dcc6a}",
        "{8e5700ea-a4bf-41c7-8a77-e990661dcc6a]",
        "{8e5700eaa4bf41c78a77e990661dcc6a}",
        "urn:uuid:8e5700eaa4bf41c78a77e990661dcc6a",
        "urn-uuid:8e5700ea-a4bf-41c7-8a77-e990661dcc6a",
        "urn:uuid:{8e5700ea-a4bf-41c7-8a77-e990661dc}",
        "--------------------------------",
        "------------------------------------",
        "0x5700eaa4bf41c78a77e990661dcc6a",
        "+e5700eaa4bf41c78a77e990661dcc6a",
    };
    for (size_t i = 0; i < N_OF(texts); i++) {
        struct uuid uuid = {.at = {1, 2, 3}}, before = uuid;
        if (parse(texts[i], strlen(texts[i]), &uuid) != ERR_SYNTAX)
            fail_msg("\"%s\" was read", texts[i]);
        assert_memory_equal(&uuid, &before, sizeof uuid);
    }
    struct uuid uuid;
    expect_err(uuid_parse((struct bytes){NULL, 0}, &uuid), ERR_SYNTAX);
}

static void only_hexadecimal_digits_are_digits(void **)
{
    char text[] = "8e5700eaa4bf41c78a77e990661dcc6a";
    struct uuid uuid;
    for (unsigned c = 0; c < 256; c++) {
        text[17] = (char)c;
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        expect_err(parse(text, 32, &uuid), is_digit ? ERR_OK : ERR_SYNTAX);
    }
}

static void a_uuid_is_written_in_its_canonical_form(void **)
{
    char text[UUID_TEXT_SIZE + 1] = "-------------------------------------";
    uuid_write(&KNOWN, text);
    assert_string_equal(text, "8e5700ea-a4bf-41c7-8a77-e990661dcc6a");
}

static void random_ones_are_version_4_differ_and_come_back(void **)
{
    struct uuid last = {0};
    for (unsigned i = 0; i < 1000; i++) {
        char text[UUID_TEXT_SIZE];
        struct uuid uuid = uuid_random(), again;
        assert_int_equal(uuid.at[6] >> 4, 4);
        assert_int_equal(uuid.at[8] >> 6, 2);
        assert_memory_not_equal(&uuid, &last, sizeof uuid);
        uuid_write(&uuid, text);
        expect_ok(uuid_parse(bytes_of_text(text), &again));
        assert_memory_equal(&uuid, &again, sizeof uuid);
        last = uuid;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_usual_spelling_is_read),
        cmocka_unit_test(anything_else_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(only_hexadecimal_digits_are_digits),
        cmocka_unit_test(a_uuid_is_written_in_its_canonical_form),
        cmocka_unit_test(random_ones_are_version_4_differ_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

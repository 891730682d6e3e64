// SPDX-License-Identifier: MIT
// Folding and hashing of names.
#include "name.h"

#include "expect.h"

static void ascii_capitals_are_folded_and_nothing_else(void **)
{
    for (unsigned c = 0; c < 256; c++)
        assert_int_equal(name_fold((uint8_t)c), c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

// The published test vectors of FNV-1a, 32 bits.
static void the_hash_is_fnv_1a(void **)
{
    assert_int_equal(name_hash((struct bytes){0}), 0x811c9dc5);
    assert_int_equal(name_hash(bytes_of_text("a")), 0xe40c292c);
    assert_int_equal(name_hash(bytes_of_text("foobar")), 0xbf9cf968);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_capitals_are_folded_and_nothing_else),
        cmocka_unit_test(the_hash_is_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

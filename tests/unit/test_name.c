// SPDX-License-Identifier: MIT
// Folding and hashing of names.
#include "name.h"

#include "expect.h"

static void ascii_capitals_are_folded_and_nothing_else(void **)
{
    for (unsigned c = 0; c < 256; c++)
        assert_int_equal(name_fold((uint8_t)c), c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

// Whatever the length, so that both the words and the bytes behind them count.
static void the_hash_depends_on_every_byte_and_not_on_where_they_lie(void **)
{
    uint8_t space[8 + LABEL_MAX_BYTES];
    for (size_t n = 1; n <= LABEL_MAX_BYTES; n++) {
        uint8_t name[LABEL_MAX_BYTES];
        for (size_t i = 0; i < n; i++)
            name[i] = (uint8_t)('a' + i % 26);
        uint32_t hash = name_hash((struct bytes){name, n});
        for (size_t shift = 0; shift < 8; shift++) {
            memcpy(space + shift, name, n);
            assert_int_equal(name_hash((struct bytes){space + shift, n}), hash);
        }
        assert_int_not_equal(name_hash((struct bytes){name, n - 1}), hash);
        for (size_t i = 0; i < n; i++) {
            name[i]++;
            assert_int_not_equal(name_hash((struct bytes){name, n}), hash);
            name[i]--;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_capitals_are_folded_and_nothing_else),
        cmocka_unit_test(the_hash_depends_on_every_byte_and_not_on_where_they_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

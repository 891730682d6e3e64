// SPDX-License-Identifier: MIT
// SipHash-2-4 against the vectors of its authors: key 00 01 .. 0f, input 00 01 .. n-1.
#include "siphash.h"

#include "expect.h"

static const uint8_t KEY[SIPHASH_KEY_BYTES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void the_vectors_of_its_authors_hold(void **)
{
    static const uint64_t wanted[] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
        0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
        0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
        0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    };
    struct siphash_key key = siphash_key_of(KEY);
    for (size_t n = 0; n < N_OF(wanted); n++)
        assert_int_equal(siphash(&key, (struct bytes){KEY, n}), wanted[n]);
}

static void two_words_hash_like_their_bytes(void **)
{
    struct siphash_key key = siphash_key_of(KEY);
    uint64_t words[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    assert_int_equal(siphash_of_words(&key, words[0], words[1]), siphash(&key, (struct bytes){KEY, 16}));
}

static void a_key_is_read_from_32_hexadecimal_digits(void **)
{
    struct siphash_key key;
    expect_ok(siphash_key_parse("000102030405060708090A0b0c0D0e0f", &key));
    struct siphash_key wanted = siphash_key_of(KEY);
    assert_memory_equal(&key, &wanted, sizeof key);
    static const char *const bad[] = {"",
                                      "00",
                                      "000102030405060708090a0b0c0d0e0",
                                      "000102030405060708090a0b0c0d0e0g",
                                      "000102030405060708090a0b0c0d0e0f0",
                                      "000102030405060708090a0b0c0d0e @"};
    for (size_t i = 0; i < N_OF(bad); i++)
        expect_err(siphash_key_parse(bad[i], &key), ERR_SYNTAX);
    assert_memory_equal(&key, &wanted, sizeof key);
}

static void random_keys_differ(void **)
{
    struct siphash_key a = siphash_key_random(), b = siphash_key_random();
    assert_memory_not_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_its_authors_hold),
        cmocka_unit_test(two_words_hash_like_their_bytes),
        cmocka_unit_test(a_key_is_read_from_32_hexadecimal_digits),
        cmocka_unit_test(random_keys_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Random bytes, passwords, hashes and MACs. The hashes here are as cheap as argon2 allows.
#include "secret.h"

#include "expect.h"

#include <stdlib.h>
#include <string.h>

static const struct secret_cost CHEAP = {.memory_kib = 64, .n_passes = 1, .n_lanes = 1};

// --- Random ---

static void random_bytes_fill_exactly_what_is_asked_for(void **)
{
    for (size_t n = 0; n < 600; n += 37) {
        uint8_t *space = malloc(n + 1);
        assert_non_null(space);
        uint8_t changed = 0; // a byte that stays 0 ten times is not filled
        space[n] = 77;
        for (unsigned i = 0; i < 10 && n != 0; i++) {
            space[n - 1] = 0;
            secret_random(space, n);
            changed |= space[n - 1];
        }
        assert_true(n == 0 || changed != 0);
        assert_int_equal(space[n], 77);
        free(space);
    }
}

static void passwords_have_40_letters_of_64_and_use_them_all(void **)
{
    bool is_used[256] = {false};
    char last[SECRET_PASSWORD_CHARS + 1] = "";
    for (unsigned i = 0; i < 500; i++) {
        char password[SECRET_PASSWORD_CHARS + 1];
        secret_password(password);
        assert_int_equal(strlen(password), 40);
        assert_string_not_equal(password, last);
        for (const char *c = password; *c != '\0'; c++)
            is_used[(unsigned char)*c] = true;
        memcpy(last, password, sizeof last);
    }
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    for (unsigned c = 1; c < 256; c++)
        assert_int_equal(is_used[c], strchr(letters, (int)c) != NULL);
}

// --- Hashes ---

static void a_password_fits_its_hash_and_no_other(void **)
{
    char hash[SECRET_HASH_MAX];
    const struct bytes password = bytes_of_text("correct horse");
    expect_ok(secret_hash(&CHEAP, password, hash));
    assert_memory_equal(hash, "$argon2id$v=19$m=64,t=1,p=1$", 28);
    expect_ok(secret_verify(hash, password));
    static const char *const wrong[] = {"", "correct hors", "correct horse ", "Correct horse", "another"};
    for (size_t i = 0; i < N_OF(wrong); i++)
        expect_err(secret_verify(hash, bytes_of_text(wrong[i])), ERR_FORBIDDEN);
}

static void passwords_are_bytes_of_any_length(void **)
{
    static uint8_t large[5000];
    static const struct bytes passwords[] = {
        {NULL, 0}, {(const uint8_t *)"\0", 1}, {(const uint8_t *)"a\0b", 3}, {large, sizeof large}};
    for (size_t i = 0; i < N_OF(passwords); i++) {
        char hash[SECRET_HASH_MAX];
        expect_ok(secret_hash(&CHEAP, passwords[i], hash));
        for (size_t k = 0; k < N_OF(passwords); k++)
            expect_err(secret_verify(hash, passwords[k]), i == k ? ERR_OK : ERR_FORBIDDEN);
    }
}

// Of acme-dns's hashing, Go's bcrypt at cost 10, and of other tools'.
static void hashes_of_bcrypt_are_checked(void **)
{
    static const struct {
        const char *hash;
        const char *password;
        enum err err;
    } rows[] = {
        {"$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", ERR_OK},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", ERR_OK},
        {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", ERR_OK},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*V", ERR_FORBIDDEN},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "", ERR_FORBIDDEN},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", "U*U", ERR_CORRUPT},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW.", "U*U", ERR_CORRUPT},
        {"$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", ERR_CORRUPT},
        {"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", ERR_CORRUPT},
        {"$6$saltstring$hash", "U*U", ERR_CORRUPT},
        {"*", "", ERR_CORRUPT},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        expect_err(secret_verify(rows[i].hash, bytes_of_text(rows[i].password)), rows[i].err);
        assert_true(secret_is_foreign(rows[i].hash));
    }
    static uint8_t large[73] = {'x'};
    expect_err(secret_verify(rows[0].hash, (struct bytes){large, sizeof large}), ERR_FORBIDDEN);
    expect_err(secret_verify(rows[0].hash, (struct bytes){(const uint8_t *)"U*U\0", 4}), ERR_FORBIDDEN);
    assert_false(secret_is_foreign("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA"));
}

static void each_hash_has_a_salt_of_its_own(void **)
{
    char one[SECRET_HASH_MAX], two[SECRET_HASH_MAX];
    expect_ok(secret_hash(&CHEAP, bytes_of_text("same"), one));
    expect_ok(secret_hash(&CHEAP, bytes_of_text("same"), two));
    assert_string_not_equal(one, two);
}

static void a_hash_carries_its_own_cost(void **)
{
    static const struct secret_cost costs[] = {{8, 1, 1}, {16, 3, 2}, {200, 2, 1}};
    for (size_t i = 0; i < N_OF(costs); i++) {
        char hash[SECRET_HASH_MAX];
        expect_ok(secret_hash(&costs[i], bytes_of_text("x"), hash));
        expect_ok(secret_verify(hash, bytes_of_text("x")));
    }
}

static void the_longest_hash_fits_its_room(void **)
{
    char hash[SECRET_HASH_MAX];
    expect_ok(
        secret_hash(&(struct secret_cost){.memory_kib = 128, .n_passes = 2, .n_lanes = 16}, bytes_of_text("x"), hash));
    size_t n_more_digits =
        strlen("4294967295") - strlen("128") + strlen("4294967295") - strlen("2") + strlen("16777215") - strlen("16");
    assert_true(strlen(hash) + n_more_digits < SECRET_HASH_MAX);
}

static void a_cost_that_argon2_refuses_is_out_of_range(void **)
{
    static const struct secret_cost costs[] = {{0, 1, 1}, {7, 1, 1}, {64, 0, 1}, {64, 1, 0}, {15, 1, 2}};
    for (size_t i = 0; i < N_OF(costs); i++) {
        char hash[SECRET_HASH_MAX] = "before";
        expect_err(secret_hash(&costs[i], bytes_of_text("x"), hash), ERR_RANGE);
        assert_string_equal(hash, "before");
    }
}

// RFC 9106 gives no PHC strings; this one is from the reference implementation's own tests.
static void a_hash_made_elsewhere_is_verified(void **)
{
    static const char hash[] = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    expect_ok(secret_verify(hash, bytes_of_text("password")));
    expect_err(secret_verify(hash, bytes_of_text("passwort")), ERR_FORBIDDEN);
}

static void what_is_no_hash_is_corrupt(void **)
{
    static const char *const hashes[] = {
        "",
        "$",
        "password",
        "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ0123",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        "$argon2id$",
        "$argon2id$v=19",
        "$argon2id$v=19$m=256,t=2,p=1",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOg*rQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=0,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4 ",
    };
    for (size_t i = 0; i < N_OF(hashes); i++)
        if (secret_verify(hashes[i], bytes_of_text("password")) != ERR_CORRUPT)
            fail_msg("\"%s\" was taken for a hash", hashes[i]);
}

// Only the cost's digits are left alone: argon2 would do what they say.
static void a_damaged_hash_never_fits(void **)
{
    char hash[SECRET_HASH_MAX];
    expect_ok(secret_hash(&CHEAP, bytes_of_text("x"), hash));
    size_t n = strlen(hash);
    for (size_t at = 28; at < n; at++) {
        char before = hash[at];
        hash[at] = before == 'A' ? 'B' : 'A';
        enum err err = secret_verify(hash, bytes_of_text("x"));
        assert_true(err == ERR_FORBIDDEN || err == ERR_CORRUPT);
        hash[at] = '\0';
        err = secret_verify(hash, bytes_of_text("x"));
        assert_true(err == ERR_FORBIDDEN || err == ERR_CORRUPT);
        hash[at] = before;
    }
}

// --- Comparisons and MACs ---

static void equal_means_all_bytes(void **)
{
    uint8_t a[64] = {0}, b[64] = {0};
    assert_true(secret_equal(a, b, sizeof a));
    assert_true(secret_equal(a, b, 0));
    for (size_t at = 0; at < sizeof a; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b[at] = (uint8_t)(1 << bit);
            assert_false(secret_equal(a, b, sizeof a));
            assert_true(secret_equal(a, b, at));
            b[at] = 0;
        }
}

static void mac(uint8_t key_byte, const char *const *parts, uint8_t out[SECRET_MAC_BYTES])
{
    struct secret_mac_key key;
    struct bytes views[4];
    size_t n = 0;
    memset(&key, key_byte, sizeof key);
    for (; parts[n] != NULL; n++)
        views[n] = bytes_of_text(parts[n]);
    secret_mac(&key, views, n, out);
}

static void macs_differ_by_key_content_order_and_where_parts_end(void **)
{
    static const char *const lists[][4] = {
        {NULL},           {"", NULL},       {"", "", NULL}, {"ab", NULL},      {"a", "b", NULL},  {"b", "a", NULL},
        {"ab", "", NULL}, {"", "ab", NULL}, {"abc", NULL},  {"a", "bc", NULL}, {"ab", "c", NULL}, {"a", "b", "c", NULL},
        {"\1", NULL},
    };
    uint8_t macs[2 * N_OF(lists)][SECRET_MAC_BYTES], again[SECRET_MAC_BYTES];
    for (size_t i = 0; i < N_OF(macs); i++) {
        mac((uint8_t)(i % 2), lists[i / 2], macs[i]);
        mac((uint8_t)(i % 2), lists[i / 2], again);
        assert_memory_equal(macs[i], again, sizeof again);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(macs[i], macs[k], sizeof again);
    }
}

// HMAC-SHA-256 as other software has it: of one part "a", with eight bytes of length in front; the key is 32 zeros.
static void the_mac_is_hmac_sha_256(void **)
{
    static const uint8_t wanted[] = {0xdf, 0x76, 0x32, 0x63, 0x16, 0x7c, 0x61, 0x9b, 0xd7, 0xcd, 0xae,
                                     0xbf, 0xcc, 0x47, 0x6f, 0x1c, 0x83, 0xe9, 0x9f, 0x39, 0x82, 0xc5,
                                     0xc2, 0x14, 0xc7, 0xfa, 0x67, 0x7f, 0xed, 0xa6, 0x02, 0x92};
    uint8_t out[SECRET_MAC_BYTES];
    mac(0, (const char *const[]){"a", NULL}, out);
    assert_memory_equal(out, wanted, sizeof wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_fill_exactly_what_is_asked_for),
        cmocka_unit_test(passwords_have_40_letters_of_64_and_use_them_all),
        cmocka_unit_test(a_password_fits_its_hash_and_no_other),
        cmocka_unit_test(passwords_are_bytes_of_any_length),
        cmocka_unit_test(hashes_of_bcrypt_are_checked),
        cmocka_unit_test(each_hash_has_a_salt_of_its_own),
        cmocka_unit_test(a_hash_carries_its_own_cost),
        cmocka_unit_test(the_longest_hash_fits_its_room),
        cmocka_unit_test(a_cost_that_argon2_refuses_is_out_of_range),
        cmocka_unit_test(a_hash_made_elsewhere_is_verified),
        cmocka_unit_test(what_is_no_hash_is_corrupt),
        cmocka_unit_test(a_damaged_hash_never_fits),
        cmocka_unit_test(equal_means_all_bytes),
        cmocka_unit_test(macs_differ_by_key_content_order_and_where_parts_end),
        cmocka_unit_test(the_mac_is_hmac_sha_256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

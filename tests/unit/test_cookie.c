// SPDX-License-Identifier: MIT
// Server cookies: the examples of RFC 9018 appendix A, the hour they are good for, and who else's they must not be.
#include "cookie.h"

#include "expect.h"

#include <stdio.h>

#define SECRET       "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define OLD_SECRET   "dd3bdf9344b678b185a6f5cb60fca715"
#define OTHER_SECRET "445536bcd2513298075a5d379663c962"
#define NOW_S        1559731985u

static struct cookie_client client_of(const char *ip, uint32_t now_s)
{
    struct cookie_client client = {.now_s = now_s};
    expect_ok(ip_parse(bytes_of_text(ip), &client.ip));
    return client;
}

static void read_hex(const char *text, uint8_t *out)
{
    for (; *text != 0; text += 2) {
        unsigned byte;
        assert_int_equal(sscanf(text, "%2x", &byte), 1);
        *out++ = (uint8_t)byte;
    }
}

static enum cookie_state check(const struct cookie_keys *keys, const char *cookie, const char *ip, uint32_t now_s)
{
    uint8_t bytes[COOKIE_BYTES];
    read_hex(cookie, bytes);
    struct cookie_client client = client_of(ip, now_s);
    return cookie_check(keys, (struct bytes){bytes, strlen(cookie) / 2}, &client);
}

static void the_examples_of_rfc_9018_are_written(void **)
{
    static const struct {
        const char *secret, *ip, *cookie;
        uint32_t now_s;
    } rows[] = {
        {SECRET, "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559731985},
        {SECRET, "198.51.100.100", "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", 1559734385},
        {SECRET, "203.0.113.203", "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", 1559734700},
        {OTHER_SECRET, "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
         1559741961},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct cookie_keys keys = cookie_keys_of(rows[i].secret, "");
        struct cookie_client client = client_of(rows[i].ip, rows[i].now_s);
        uint8_t wanted[COOKIE_BYTES], cookie[COOKIE_BYTES] = {0};
        read_hex(rows[i].cookie, wanted);
        memcpy(cookie, wanted, COOKIE_CLIENT_BYTES);
        cookie_write(&keys, &client, cookie);
        assert_memory_equal(cookie, wanted, COOKIE_BYTES);
        assert_int_equal(check(&keys, rows[i].cookie, rows[i].ip, rows[i].now_s), COOKIE_FRESH);
    }
}

static void the_examples_of_rfc_9018_are_accepted(void **)
{
    struct cookie_keys keys = cookie_keys_of(SECRET, "");
    // A.2: forty minutes later it is still good, and renewed
    assert_int_equal(check(&keys, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", "198.51.100.100", 1559734385),
                     COOKIE_RENEW);
    // A.3: reserved bytes are hashed as they came
    assert_int_equal(check(&keys, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "203.0.113.203", 0x5cf78f71),
                     COOKIE_FRESH);
    // A.4: the secret was rolled over
    static const char rolled[] = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
    static const char ip[] = "2001:db8:220:1:59de:d0f4:8769:82b8";
    keys = cookie_keys_of(OTHER_SECRET, OLD_SECRET);
    assert_int_equal(check(&keys, rolled, ip, 1559741961), COOKIE_RENEW);
    keys = cookie_keys_of(OTHER_SECRET, "");
    assert_int_equal(check(&keys, rolled, ip, 1559741961), COOKIE_BAD);
}

static void a_cookie_is_good_for_an_hour_and_five_minutes_ahead(void **)
{
    static const struct {
        int64_t age_s;
        enum cookie_state state;
    } rows[] = {{-301, COOKIE_BAD},       {-300, COOKIE_FRESH},     {0, COOKIE_FRESH},  {1800, COOKIE_FRESH},
                {1801, COOKIE_RENEW},     {3600, COOKIE_RENEW},     {3601, COOKIE_BAD}, {1 << 20, COOKIE_BAD},
                {0x7fffffff, COOKIE_BAD}, {-0x7fffffff, COOKIE_BAD}};
    static const uint32_t births[] = {NOW_S, 0, 0xffffffff, 0x7fffffff};
    struct cookie_keys keys = cookie_keys_of(SECRET, "");
    for (size_t b = 0; b < N_OF(births); b++)
        for (size_t i = 0; i < N_OF(rows); i++) {
            struct cookie_client client = client_of("192.0.2.1", births[b]);
            uint8_t cookie[COOKIE_BYTES] = {1, 2, 3};
            cookie_write(&keys, &client, cookie);
            client.now_s = births[b] + (uint32_t)rows[i].age_s;
            assert_int_equal(cookie_check(&keys, (struct bytes){cookie, COOKIE_BYTES}, &client), rows[i].state);
        }
}

static void a_cookie_with_any_bit_turned_is_bad(void **)
{
    struct cookie_keys keys = cookie_keys_of(SECRET, OTHER_SECRET);
    struct cookie_client client = client_of("2001:db8::1", NOW_S);
    uint8_t cookie[COOKIE_BYTES] = {0};
    cookie_write(&keys, &client, cookie);
    for (size_t bit = 0; bit < 8 * COOKIE_BYTES; bit++) {
        cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(cookie_check(&keys, (struct bytes){cookie, COOKIE_BYTES}, &client), COOKIE_BAD);
        cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof client.ip.at; bit++) {
        client.ip.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(cookie_check(&keys, (struct bytes){cookie, COOKIE_BYTES}, &client), COOKIE_BAD);
        client.ip.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(cookie_check(&keys, (struct bytes){cookie, COOKIE_BYTES}, &client), COOKIE_FRESH);
}

static void other_lengths_are_none_of_ours(void **)
{
    struct cookie_keys keys = cookie_keys_of(SECRET, "");
    struct cookie_client client = client_of("192.0.2.1", NOW_S);
    uint8_t cookie[40] = {0};
    cookie_write(&keys, &client, cookie);
    for (size_t n = 16; n <= sizeof cookie; n++)
        assert_int_equal(cookie_check(&keys, (struct bytes){cookie, n}, &client),
                         n == COOKIE_BYTES ? COOKIE_FRESH : COOKIE_BAD);
    assert_int_equal(cookie_check(&keys, (struct bytes){cookie, 8}, &client), COOKIE_CLIENT_ONLY);
    assert_int_equal(cookie_check(&keys, (struct bytes){NULL, 0}, &client), COOKIE_NONE);
}

static void without_a_secret_each_process_has_its_own(void **)
{
    struct cookie_keys one = cookie_keys_of("", ""), two = cookie_keys_of("", "");
    struct cookie_client client = client_of("192.0.2.1", NOW_S);
    uint8_t cookie[COOKIE_BYTES] = {0};
    cookie_write(&one, &client, cookie);
    assert_int_equal(cookie_check(&one, (struct bytes){cookie, COOKIE_BYTES}, &client), COOKIE_FRESH);
    assert_int_equal(cookie_check(&two, (struct bytes){cookie, COOKIE_BYTES}, &client), COOKIE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_9018_are_written),
        cmocka_unit_test(the_examples_of_rfc_9018_are_accepted),
        cmocka_unit_test(a_cookie_is_good_for_an_hour_and_five_minutes_ahead),
        cmocka_unit_test(a_cookie_with_any_bit_turned_is_bad),
        cmocka_unit_test(other_lengths_are_none_of_ours),
        cmocka_unit_test(without_a_secret_each_process_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

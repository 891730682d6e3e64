// SPDX-License-Identifier: MIT
// Token buckets, and what the throttle makes of them. Time is an argument, so none passes here.
#include "limit.h"
#include "throttle.h"

#include "expect.h"

static struct limit_key key_of(const char *text)
{
    struct ip ip;
    expect_ok(ip_parse(bytes_of_text(text), &ip));
    return limit_key_of_ip(ip);
}

static bool is_same_client(const char *a, const char *b)
{
    const struct limit_key x = key_of(a), y = key_of(b);
    return memcmp(x.at, y.at, sizeof x.at) == 0;
}

static void a_client_is_an_ipv4_address_or_64_bits_of_an_ipv6_address(void **state)
{
    (void)state;
    assert_true(is_same_client("192.0.2.1", "::ffff:192.0.2.1"));
    assert_false(is_same_client("192.0.2.1", "192.0.2.2"));
    assert_true(is_same_client("2001:db8:1:2::1", "2001:db8:1:2:ffff::2"));
    assert_false(is_same_client("2001:db8:1:2::1", "2001:db8:1:3::1"));
}

static void all_may_come_at_once_and_then_one_by_one(void **state)
{
    (void)state;
    struct limit *limit;
    const struct limit_key key = key_of("192.0.2.1"), other = key_of("192.0.2.2");
    uint64_t now_ms = 1000000;
    expect_ok(limit_open(&limit, 30, 60)); // one in two seconds
    for (int i = 0; i < 30; i++)
        assert_int_equal(limit_take(limit, key, now_ms), 0);
    assert_int_equal(limit_take(limit, key, now_ms), 2);
    assert_int_equal(limit_take(limit, key, now_ms + 1001), 1);
    assert_int_equal(limit_take(limit, other, now_ms), 0);
    assert_int_equal(limit_take(limit, key, now_ms + 2000), 0);
    assert_int_equal(limit_take(limit, key, now_ms + 2000), 2);
    for (int i = 0; i < 30; i++)
        assert_int_equal(limit_take(limit, key, now_ms + 100000), 0);
    assert_true(limit_take(limit, key, now_ms + 100000) > 0);
    limit_close(limit);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    (void)state;
    struct limit *limit;
    const struct limit_key key = key_of("2001:db8::1");
    expect_ok(limit_open(&limit, 2, 60));
    assert_int_equal(limit_take(limit, key, 5000), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(limit_take(limit, key, 5000), 0);
        assert_int_equal(limit_take(limit, key, 5000), 30);
        limit_give_back(limit, key);
    }
    limit_give_back(limit, key_of("2001:db8:1::1")); // was never there
    limit_close(limit);
}

static void no_events_mean_no_limit(void **state)
{
    (void)state;
    struct limit *limit;
    expect_ok(limit_open(&limit, 0, 60));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(limit_take(limit, key_of("192.0.2.1"), 1), 0);
    assert_false(limit_is_low(limit, key_of("192.0.2.1"), 1));
    limit_give_back(limit, key_of("192.0.2.1"));
    limit_close(limit);
    limit_close(NULL);
}

// 200,000 other clients with one failure each push nobody out who has more.
static void who_has_failed_most_is_forgotten_last(void **state)
{
    (void)state;
    struct limit *limit;
    const struct limit_key key = key_of("192.0.2.1");
    expect_ok(limit_open(&limit, 10, 60));
    for (int i = 0; i < 10; i++)
        assert_int_equal(limit_take(limit, key, 1000), 0);
    for (unsigned i = 0; i < 200000; i++) {
        struct limit_key other = {{0x20, 0x01, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        assert_int_equal(limit_take(limit, other, 1000), 0);
    }
    assert_true(limit_take(limit, key, 1000) > 0);
    limit_close(limit);
}

// --- The throttle ---

static struct ip client(unsigned number)
{
    struct ip ip = {{[10] = 0xff, 0xff, 198, 51, (uint8_t)(number >> 8), (uint8_t)number}};
    return ip;
}

static void throttle_of(struct throttle *throttle, int64_t failures)
{
    const struct conf conf = {.api_auth_failures_per_min = failures};
    expect_ok(throttle_open(throttle, &conf));
}

static void a_client_who_fails_too_often_waits(void **state)
{
    (void)state;
    struct throttle throttle;
    throttle_of(&throttle, 10);
    for (int i = 0; i < 10; i++) {
        const struct uuid account = uuid_random();
        assert_int_equal(throttle_attempt(&throttle, client(1), &account), 0);
    }
    const struct uuid account = uuid_random();
    assert_in_range(throttle_attempt(&throttle, client(1), &account), 1, 6);
    assert_in_range(throttle_attempt(&throttle, client(1), NULL), 1, 6);
    assert_int_equal(throttle_attempt(&throttle, client(2), &account), 0);
    throttle_close(&throttle);
}

static void who_is_right_may_go_on_for_ever(void **state)
{
    (void)state;
    struct throttle throttle;
    const struct uuid account = uuid_random();
    throttle_of(&throttle, 3);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(throttle_attempt(&throttle, client(1), &account), 0);
        throttle_proved(&throttle, client(1), &account);
    }
    throttle_close(&throttle);
}

static void many_clients_together_get_few_tries_at_one_account_and_cannot_lock_its_owner_out(void **state)
{
    (void)state;
    struct throttle throttle;
    const struct uuid account = uuid_random();
    unsigned n_tries = 0;
    throttle_of(&throttle, 10);
    for (unsigned number = 2; number < 102; number++)
        for (int i = 0; i < 50; i++)
            n_tries += throttle_attempt(&throttle, client(number), &account) == 0;
    assert_in_range(n_tries, 500, 650); // 10 each would be 1000; half of it is everybody's own
    for (int i = 0; i < 100; i++) {
        assert_int_equal(throttle_attempt(&throttle, client(1), &account), 0);
        throttle_proved(&throttle, client(1), &account);
    }
    throttle_close(&throttle);
}

static void the_first_calls_of_an_owner_may_come_at_once(void **state)
{
    (void)state;
    struct throttle throttle;
    const struct uuid account = uuid_random();
    throttle_of(&throttle, 10);
    for (unsigned i = 0; i < 1000; i++)
        (void)throttle_attempt(&throttle, client(2 + i / 10), &account);
    for (int i = 0; i < 5; i++)
        assert_int_equal(throttle_attempt(&throttle, client(1), &account), 0);
    throttle_close(&throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_an_ipv4_address_or_64_bits_of_an_ipv6_address),
        cmocka_unit_test(all_may_come_at_once_and_then_one_by_one),
        cmocka_unit_test(what_is_given_back_can_be_taken_again),
        cmocka_unit_test(no_events_mean_no_limit),
        cmocka_unit_test(who_has_failed_most_is_forgotten_last),
        cmocka_unit_test(a_client_who_fails_too_often_waits),
        cmocka_unit_test(who_is_right_may_go_on_for_ever),
        cmocka_unit_test(many_clients_together_get_few_tries_at_one_account_and_cannot_lock_its_owner_out),
        cmocka_unit_test(the_first_calls_of_an_owner_may_come_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

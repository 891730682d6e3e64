// SPDX-License-Identifier: MIT
// The names of things in etcd: each is read as what it was written for, and what is not ours is nothing.
#include "key.h"

#include "account.h"
#include "expect.h"

static const struct uuid USER = {
    .at = {0xd4, 0x20, 0xc9, 0x23, 0xbb, 0xd7, 0x40, 0x56, 0xab, 0x64, 0xc3, 0xca, 0x54, 0xc9, 0xb3, 0xcf}};
#define USER_TEXT "d420c923-bbd7-4056-ab64-c3ca54c9b3cf"
#define USER_KEY  ("/p/data/account/" USER_TEXT)

static void expect_text(const struct key_text *key, const char *text)
{
    assert_int_equal(key->n, strlen(text));
    assert_memory_equal(key->at, text, key->n);
}

static struct key parse(const char *text)
{
    return key_parse("/p", bytes_of_text(text));
}

static void keys_are_called_as_they_are_told(void **)
{
    struct key_text key = key_of_account("/p", &USER);
    expect_text(&key, "/p/data/account/" USER_TEXT);
    key = key_of_value("/p", bytes_of_text("sub"));
    expect_text(&key, "/p/data/value/sub");
    key = key_of_last("/p");
    expect_text(&key, "/p/data/last");
    key = key_of_shared("/p");
    expect_text(&key, "/p/own/certificate");
    assert_int_equal(parse("/p/own/certificate").kind, KEY_SHARED);
    assert_int_equal(parse("/p/own/certificate2").kind, KEY_OTHER);
    key = key_of_live("/p", "host-1");
    expect_text(&key, "/p/live/host-1");
    key = key_of_mark("/p", "host-1");
    expect_text(&key, "/p/live/host-1/mark");
}

static void keys_are_read_as_they_were_written(void **)
{
    struct key key = parse("/p/data/account/" USER_TEXT);
    assert_int_equal(key.kind, KEY_ACCOUNT);
    assert_memory_equal(&key.username, &USER, sizeof USER);
    key = parse("/p/data/value/sub");
    assert_int_equal(key.kind, KEY_VALUE);
    assert_true(bytes_equal(key.name, bytes_of_text("sub")));
    assert_int_equal(parse("/p/data/last").kind, KEY_LAST);
    key = parse("/p/live/host-1/mark");
    assert_int_equal(key.kind, KEY_MARK);
    assert_true(bytes_equal(key.name, bytes_of_text("host-1")));
    key = parse("/p/live/host-1");
    assert_int_equal(key.kind, KEY_LIVE);
    assert_true(bytes_equal(key.name, bytes_of_text("host-1")));
}

static void what_is_not_ours_is_nothing(void **)
{
    static const char *const texts[] = {
        "",
        "/",
        "/p",
        "/p/",
        "/q/data/last",
        "/p/data/",
        "/p/data/lasting",
        "/p/data/value/",
        "/p/live/",
        "/p/live//mark",
        "/p/live/a/b/mark",
        "/p/live/a/b",
        "/pp/data/last",
        "/p/data/account/",
        "/p/data/account/D420C923-BBD7-4056-AB64-C3CA54C9B3CF",
        "/p/data/account/d420c923bbd74056ab64c3ca54c9b3cf",
        "/p/data/value/0123456789012345678901234567890123456789012345678901234567890123",
        "/p/live/012345678901234567890123456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < N_OF(texts); i++)
        if (parse(texts[i]).kind != KEY_OTHER)
            fail_msg("\"%s\" was taken for a key", texts[i]);
}

static bool is_within(const struct key_range *range, const char *text)
{
    return strcmp(text, range->first.at) >= 0 && strcmp(text, range->end.at) < 0;
}

static void ranges_hold_their_part_and_nothing_else(void **)
{
    struct key_range data = key_range_of("/p", KEY_DATA), lives = key_range_of("/p", KEY_LIVES),
                     all = key_range_of("/p", KEY_ALL);
    static const char *const datas[] = {USER_KEY, "/p/data/last", "/p/data/value/z"};
    for (size_t i = 0; i < N_OF(datas); i++)
        assert_true(is_within(&data, datas[i]) && is_within(&all, datas[i]) && !is_within(&lives, datas[i]));
    assert_true(is_within(&lives, "/p/live/a") && is_within(&all, "/p/live/a") && !is_within(&data, "/p/live/a"));
    static const char *const others[] = {"/p", "/p0", "/pp/data/last", "/o/data/last"};
    for (size_t i = 0; i < N_OF(others); i++)
        assert_false(is_within(&all, others[i]));
}

static void the_order_of_names_is_the_order_of_the_store(void **)
{
    struct uuid last = {0};
    struct key_text before = key_of_account("/p", &last);
    for (unsigned i = 1; i < 2000; i++) {
        struct uuid next = last;
        next.at[i % 16] = (uint8_t)(next.at[i % 16] + i);
        int in_store = memcmp(&last, &next, sizeof next);
        struct key_text key = key_of_account("/p", &next);
        int in_etcd = strcmp(before.at, key.at);
        assert_true((in_store < 0) == (in_etcd < 0) && (in_store == 0) == (in_etcd == 0));
        last = next;
        before = key;
    }
}

static void the_longest_names_fit(void **)
{
    char prefix[KEY_PREFIX_MAX + 1], replica[KEY_REPLICA_MAX + 1], label[SUBDOMAIN_MAX];
    memset(prefix, 'p', sizeof prefix);
    memset(replica, 'r', sizeof replica);
    memset(label, 'l', sizeof label);
    prefix[KEY_PREFIX_MAX] = replica[KEY_REPLICA_MAX] = 0;
    struct key_text key = key_of_mark(prefix, replica);
    assert_int_equal(key_parse(prefix, (struct bytes){(uint8_t *)key.at, key.n}).name.n, KEY_REPLICA_MAX);
    key = key_of_value(prefix, (struct bytes){(uint8_t *)label, sizeof label});
    assert_int_equal(key_parse(prefix, (struct bytes){(uint8_t *)key.at, key.n}).name.n, SUBDOMAIN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_called_as_they_are_told),
        cmocka_unit_test(keys_are_read_as_they_were_written),
        cmocka_unit_test(what_is_not_ours_is_nothing),
        cmocka_unit_test(ranges_hold_their_part_and_nothing_else),
        cmocka_unit_test(the_order_of_names_is_the_order_of_the_store),
        cmocka_unit_test(the_longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

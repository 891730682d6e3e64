// SPDX-License-Identifier: MIT
// Who the client is, with and without proxies between.
#include "peer.h"

#include "expect.h"

#include <stdio.h>
#include <string.h>

static struct ip ip_of(const char *text)
{
    struct ip ip;
    expect_ok(ip_parse(bytes_of_text(text), &ip));
    return ip;
}

static struct cidr networks[2];

static struct cidrs proxies(void)
{
    expect_ok(cidr_parse(bytes_of_text("10.0.0.0/8"), &networks[0]));
    expect_ok(cidr_parse(bytes_of_text("2001:db8:f::/48"), &networks[1]));
    return (struct cidrs){2, networks};
}

enum { N_VALUES_MAX = 3 };

static void check(const char *peer, const char *const values[N_VALUES_MAX], const char *client)
{
    const struct cidrs trusted = proxies();
    struct bytes list[N_VALUES_MAX];
    size_t n = 0;
    char text[IP_TEXT_MAX];
    for (; n < N_VALUES_MAX && values[n] != NULL; n++)
        list[n] = bytes_of_text(values[n]);
    assert_string_equal(ip_write(peer_find(&trusted, ip_of(peer), list, n), text), client);
}

static const struct {
    const char *peer;
    const char *values[N_VALUES_MAX];
    const char *client;
} CASES[] = {
    // Without a proxy the header is what the client made up.
    {"192.0.2.1", {"198.51.100.7"}, "192.0.2.1"},
    {"10.0.0.1", {NULL}, "10.0.0.1"},
    {"10.0.0.1", {""}, "10.0.0.1"},
    {"10.0.0.1", {" , ,"}, "10.0.0.1"},
    {"10.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
    {"::ffff:10.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
    {"2001:db8:f::1", {"2001:db8::7"}, "2001:db8::7"},
    // The right-most hop that is no proxy of ours; what stands left of it is forged.
    {"10.0.0.1", {"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
    {"10.0.0.1", {"1.1.1.1, 198.51.100.7, 10.2.3.4"}, "198.51.100.7"},
    {"10.0.0.1", {"not an address, 198.51.100.7,10.2.3.4,"}, "198.51.100.7"},
    {"10.0.0.1", {"10.9.9.9, 10.2.3.4"}, "10.9.9.9"},
    // Several headers are one list.
    {"10.0.0.1", {"1.1.1.1", "198.51.100.7", "10.2.3.4"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7", "10.2.3.4, 10.3.4.5"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7", ""}, "198.51.100.7"},
    // Ports and brackets.
    {"10.0.0.1", {"198.51.100.7:4711"}, "198.51.100.7"},
    {"10.0.0.1", {"[2001:db8::7]"}, "2001:db8::7"},
    {"10.0.0.1", {"\t[2001:db8::7]:4711 "}, "2001:db8::7"},
    {"10.0.0.1", {"2001:db8::7, [2001:db8:f::2]:1"}, "2001:db8::7"},
    {"10.0.0.1", {"::ffff:198.51.100.7"}, "198.51.100.7"},
    // What is not understood is not believed.
    {"10.0.0.1", {"198.51.100.7, unknown"}, "10.0.0.1"},
    {"10.0.0.1", {"198.51.100.7, unknown, 10.2.3.4"}, "10.0.0.1"},
    {"10.0.0.1", {"198.51.100.7:"}, "10.0.0.1"},
    {"10.0.0.1", {"198.51.100.7:port"}, "10.0.0.1"},
    {"10.0.0.1", {"198.51.100.7:123456"}, "10.0.0.1"},
    {"10.0.0.1", {"[2001:db8::7"}, "10.0.0.1"},
    {"10.0.0.1", {"[2001:db8::7]x"}, "10.0.0.1"},
    {"10.0.0.1", {"[198.51.100.7]:1"}, "10.0.0.1"},
    {"10.0.0.1", {"]:1"}, "10.0.0.1"},
    {"10.0.0.1", {":"}, "10.0.0.1"},
    {"10.0.0.1", {"198.51.100.7 198.51.100.8"}, "10.0.0.1"},
};

static void the_client_is_the_right_most_hop_that_is_not_trusted(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(CASES); i++)
        check(CASES[i].peer, CASES[i].values, CASES[i].client);
}

static void with_no_trusted_proxies_the_header_is_ignored(void **state)
{
    (void)state;
    const struct cidrs none = {0};
    const struct bytes value = bytes_of_text("198.51.100.7");
    char text[IP_TEXT_MAX];
    assert_string_equal(ip_write(peer_find(&none, ip_of("10.0.0.1"), &value, 1), text), "10.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_right_most_hop_that_is_not_trusted),
        cmocka_unit_test(with_no_trusted_proxies_the_header_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

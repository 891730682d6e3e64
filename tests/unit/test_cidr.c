// SPDX-License-Identifier: MIT
// Addresses, networks and listen addresses: what is read, how it is written, what contains what.
#include "listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const ADDRESSES[][2] = {
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"2001:db8::1", "2001:db8::1"},
    {"[2001:db8::1]", "2001:db8::1"},
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {"::", "::"},
    {"[::]", "::"},
    {"::1", "::1"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"[::ffff:c000:201]", "192.0.2.1"},
    {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

static const char *const NO_ADDRESSES[] = {
    "",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "256.1.1.1",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4/8",
    "1.2.3.-4",
    "0x1.2.3.4",
    "[1.2.3.4]",
    "[::1",
    "::1]",
    "[]",
    "[",
    "]",
    "[[::1]]",
    "fe80::1%lo",
    "::1::",
    "2001:db8::1:",
    ":::",
    "12345::",
    "localhost",
    "1.2.3.4:5",
    "[::1]:53",
    "::1 ",
    "g::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000",
    "0000:0000:0000:0000:0000:0000:255.255.255.2555",
};

static void an_address_is_read_and_written_canonically(void **)
{
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof *ADDRESSES; i++) {
        struct ip ip, again;
        char text[IP_TEXT_MAX];
        assert_int_equal(ip_parse(bytes_of_text(ADDRESSES[i][0]), &ip), ERR_OK);
        assert_string_equal(ip_write(ip, text), ADDRESSES[i][1]);
        assert_int_equal(ip_parse(bytes_of_text(text), &again), ERR_OK);
        assert_memory_equal(&ip, &again, sizeof ip);
    }
}

static void what_is_no_address_is_refused_and_leaves_the_output_alone(void **)
{
    for (size_t i = 0; i < sizeof NO_ADDRESSES / sizeof *NO_ADDRESSES; i++) {
        struct ip ip = {.at = {1, 2, 3}}, before = ip;
        if (ip_parse(bytes_of_text(NO_ADDRESSES[i]), &ip) != ERR_CIDR)
            fail_msg("\"%s\" was read", NO_ADDRESSES[i]);
        assert_memory_equal(&ip, &before, sizeof ip);
    }
    struct ip ip;
    assert_int_equal(ip_parse((struct bytes){(const uint8_t *)"1.2.3.4\0", 8}, &ip), ERR_CIDR);
    assert_int_equal(ip_parse((struct bytes){NULL, 0}, &ip), ERR_CIDR);
}

static void an_address_comes_from_a_socket_and_goes_back(void **)
{
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof *ADDRESSES; i++) {
        struct ip ip, again;
        struct sockaddr_storage address;
        assert_int_equal(ip_parse(bytes_of_text(ADDRESSES[i][0]), &ip), ERR_OK);
        socklen_t n = ip_to_sockaddr(ip, 5300, &address);
        bool is_v4 = strchr(ADDRESSES[i][1], ':') == NULL;
        assert_int_equal(ip_is_v4(ip), is_v4);
        assert_int_equal(address.ss_family, is_v4 ? AF_INET : AF_INET6);
        assert_int_equal(n, is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        in_port_t port =
            is_v4 ? ((struct sockaddr_in *)&address)->sin_port : ((struct sockaddr_in6 *)&address)->sin6_port;
        assert_int_equal(ntohs(port), 5300);
        assert_int_equal(ip_of_sockaddr((const struct sockaddr *)&address, &again), ERR_OK);
        assert_memory_equal(&ip, &again, sizeof ip);
    }
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct ip ip;
    assert_int_equal(ip_of_sockaddr(&other, &ip), ERR_CIDR);
}

static void a_client_on_a_dual_stack_socket_is_an_ipv4_client(void **)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct ip ip;
    char text[IP_TEXT_MAX];
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.9", &in6.sin6_addr), 1);
    assert_int_equal(ip_of_sockaddr((const struct sockaddr *)&in6, &ip), ERR_OK);
    assert_true(ip_is_v4(ip));
    assert_string_equal(ip_write(ip, text), "192.0.2.9");
}

static const char *const NETWORKS[][2] = {
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"192.0.2.77/24", "192.0.2.77/24"},
    {"192.0.2.1", "192.0.2.1/32"},
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"192.0.2.1/32", "192.0.2.1/32"},
    {"2001:db8::/32", "2001:db8::/32"},
    {"[2001:db8::]/32", "2001:db8::/32"},
    {"[2001:db8::/32]", "2001:db8::/32"},
    {"2001:db8::1", "2001:db8::1/128"},
    {"[2001:db8::1]", "2001:db8::1/128"},
    {"::/0", "::/0"},
    {"::1/128", "::1/128"},
    {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
    {"::ffff:0:0/96", "0.0.0.0/0"},
    {"::ffff:0:0/95", "::ffff:0.0.0.0/95"},
};

static const char *const NO_NETWORKS[] = {
    "",
    "/",
    "/8",
    "1.2.3.4/",
    "1.2.3.4/33",
    "1.2.3.4/08",
    "1.2.3.4/00",
    "1.2.3.4/-1",
    "1.2.3.4/+1",
    "1.2.3.4/ 8",
    "1.2.3.4/8 ",
    "1.2.3.4/8/8",
    "1.2.3.4/a",
    "1.2.3/8",
    "[1.2.3.4]/8",
    "[1.2.3.4/8]",
    "::/129",
    "::/1280",
    "::/",
    "[::/0",
    "::]/0",
    "::/0]",
    "[[::]/0]",
    "[::]]/0",
    "[::]/0]",
    "[/0]",
    "[]/0",
    "fe80::1%lo/64",
    "::/0x1",
    "nonsense/8",
    "[2001:db8::/32]/32",
    "]",
    "1.2.3.4/99999999999999999999",
};

static void a_network_is_read_and_written(void **)
{
    for (size_t i = 0; i < sizeof NETWORKS / sizeof *NETWORKS; i++) {
        struct cidr cidr, again;
        char text[CIDR_TEXT_MAX];
        if (cidr_parse(bytes_of_text(NETWORKS[i][0]), &cidr) != ERR_OK)
            fail_msg("\"%s\" was refused", NETWORKS[i][0]);
        assert_string_equal(cidr_write(cidr, text), NETWORKS[i][1]);
        assert_int_equal(cidr_parse(bytes_of_text(text), &again), ERR_OK);
        assert_memory_equal(&cidr, &again, sizeof cidr);
    }
}

static void what_is_no_network_is_refused_and_leaves_the_output_alone(void **)
{
    for (size_t i = 0; i < sizeof NO_NETWORKS / sizeof *NO_NETWORKS; i++) {
        struct cidr cidr = {.n_bits = 77}, before = cidr;
        if (cidr_parse(bytes_of_text(NO_NETWORKS[i]), &cidr) != ERR_CIDR)
            fail_msg("\"%s\" was read", NO_NETWORKS[i]);
        assert_memory_equal(&cidr, &before, sizeof cidr);
    }
}

static void the_longest_network_fits_its_room(void **)
{
    struct cidr cidr = {.n_bits = 128};
    char text[CIDR_TEXT_MAX];
    memset(cidr.ip.at, 0xff, sizeof cidr.ip.at);
    assert_string_equal(cidr_write(cidr, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static const struct {
    const char *network;
    const char *address;
    bool is_inside;
} INSIDE[] = {
    {"192.0.2.0/24", "192.0.2.0", true},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.0/24", "::ffff:192.0.2.7", true},
    {"192.0.2.77/24", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"192.0.2.128/31", "192.0.2.129", true},
    {"192.0.2.128/31", "192.0.2.130", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"0.0.0.0/0", "::", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "192.0.2.1", false},
    {"::/0", "::ffff:192.0.2.1", false},
    {"::ffff:0:0/95", "192.0.2.1", false},
    {"::ffff:192.0.2.0/120", "192.0.2.9", true},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::", false},
    {"2001:db8::/33", "2001:db8:7fff::", true},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"[2001:db8::1]", "2001:db8::1", true},
    {"2001:db8::1", "2001:db8::2", false},
    {"127.0.0.0/8", "127.255.0.1", true},
    {"::1/128", "::1", true},
    {"::1/128", "127.0.0.1", false},
};

static void a_network_contains_its_own_family_only(void **)
{
    for (size_t i = 0; i < sizeof INSIDE / sizeof *INSIDE; i++) {
        struct cidr cidr;
        struct ip ip;
        assert_int_equal(cidr_parse(bytes_of_text(INSIDE[i].network), &cidr), ERR_OK);
        assert_int_equal(ip_parse(bytes_of_text(INSIDE[i].address), &ip), ERR_OK);
        if (cidr_contains(cidr, ip) != INSIDE[i].is_inside)
            fail_msg("%s in %s", INSIDE[i].address, INSIDE[i].network);
    }
}

// The text that listen_add makes of what was read: "192.0.2.1#53"; '?' behind an implied one.
static const char *expand(const char *text, struct listen_families families, char out[static 200])
{
    struct listen_text read;
    struct listen list[2];
    size_t n = 0;
    if (listen_parse(bytes_of_text(text), &read) != ERR_OK)
        return "syntax";
    if (listen_add(read, families, list, &n) != ERR_OK)
        return "family";
    out[0] = 0;
    for (size_t i = 0; i < n; i++) {
        char address[IP_TEXT_MAX];
        sprintf(out + strlen(out), "%s%s#%u%s", i == 0 ? "" : " ", ip_write(list[i].ip, address), list[i].port,
                list[i].is_implied ? "?" : "");
    }
    return out;
}

static const char *const LISTENS[][4] = {
    // text, with both families, with IPv4 only, with IPv6 only
    {":53", "0.0.0.0#53? ::#53?", "0.0.0.0#53", "::#53"},
    {"[::]:53", "0.0.0.0#53? ::#53?", "0.0.0.0#53", "::#53"},
    {"0.0.0.0:53", "0.0.0.0#53", "0.0.0.0#53", "family"},
    {"127.0.0.1:0", "127.0.0.1#0", "127.0.0.1#0", "family"},
    {"[::1]:65535", "::1#65535", "family", "::1#65535"},
    {"[::ffff:127.0.0.1]:53", "127.0.0.1#53", "127.0.0.1#53", "family"},
    {"", "syntax", "syntax", "syntax"},
    {"53", "syntax", "syntax", "syntax"},
    {":", "syntax", "syntax", "syntax"},
    {"127.0.0.1", "syntax", "syntax", "syntax"},
    {"127.0.0.1:", "syntax", "syntax", "syntax"},
    {"127.0.0.1:65536", "syntax", "syntax", "syntax"},
    {"127.0.0.1:053000", "syntax", "syntax", "syntax"},
    {"127.0.0.1:domain", "syntax", "syntax", "syntax"},
    {"127.0.0.1:-1", "syntax", "syntax", "syntax"},
    {"127.0.0.1: 53", "syntax", "syntax", "syntax"},
    {"::1:53", "syntax", "syntax", "syntax"},
    {"::", "syntax", "syntax", "syntax"},
    {"[::1]", "syntax", "syntax", "syntax"},
    {"[::1]53", "syntax", "syntax", "syntax"},
    {"[127.0.0.1]:53", "syntax", "syntax", "syntax"},
    {"localhost:53", "syntax", "syntax", "syntax"},
    {"*:53", "syntax", "syntax", "syntax"},
};

static void a_listen_address_becomes_one_socket_for_each_family(void **)
{
    static const struct listen_families FAMILIES[] = {{true, true}, {true, false}, {false, true}};
    char out[200];
    for (size_t i = 0; i < sizeof LISTENS / sizeof *LISTENS; i++) {
        for (size_t j = 0; j < 3; j++)
            assert_string_equal(expand(LISTENS[i][0], FAMILIES[j], out), LISTENS[i][j + 1]);
    }
}

static void an_address_listed_twice_is_bound_once(void **)
{
    struct listen_text read;
    struct listen list[6];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(listen_parse(bytes_of_text(i == 1 ? "0.0.0.0:53" : ":53"), &read), ERR_OK);
        assert_int_equal(listen_add(read, (struct listen_families){true, true}, list, &n), ERR_OK);
    }
    assert_int_equal(n, 2);
    assert_int_equal(listen_parse(bytes_of_text(":54"), &read), ERR_OK);
    assert_int_equal(listen_add(read, (struct listen_families){true, true}, list, &n), ERR_OK);
    assert_int_equal(n, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_and_written_canonically),
        cmocka_unit_test(what_is_no_address_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(an_address_comes_from_a_socket_and_goes_back),
        cmocka_unit_test(a_client_on_a_dual_stack_socket_is_an_ipv4_client),
        cmocka_unit_test(a_network_is_read_and_written),
        cmocka_unit_test(what_is_no_network_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(the_longest_network_fits_its_room),
        cmocka_unit_test(a_network_contains_its_own_family_only),
        cmocka_unit_test(a_listen_address_becomes_one_socket_for_each_family),
        cmocka_unit_test(an_address_listed_twice_is_bound_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Connections of each client: as many as it may, counted back, and which addresses are one client.
#include "clients.h"

#include "cidr.h"
#include "expect.h"

#include <stdio.h>

static uint16_t slot_of(const struct clients *clients, const char *text)
{
    struct sockaddr_storage address;
    struct ip ip;
    expect_ok(ip_parse(bytes_of_text(text), &ip));
    ip_to_sockaddr(ip, 4242, &address);
    return clients_slot(clients, (const struct sockaddr *)&address);
}

static void a_client_holds_as_many_as_it_may(void **)
{
    static struct clients clients;
    clients_begin(&clients, 3);
    uint16_t slot = slot_of(&clients, "192.0.2.1");
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++)
            assert_true(clients_take(&clients, slot));
        assert_false(clients_take(&clients, slot));
        clients_put(&clients, slot);
        assert_true(clients_take(&clients, slot));
        assert_false(clients_take(&clients, slot));
        for (unsigned i = 0; i < 3; i++)
            clients_put(&clients, slot);
    }
}

static void an_ipv4_address_and_an_ipv6_64_are_one_client(void **)
{
    static struct clients clients;
    clients_begin(&clients, 1);
    assert_int_equal(slot_of(&clients, "2001:db8::1"), slot_of(&clients, "2001:db8::ffff:ffff:ffff:ffff"));
    // of a thousand neighbours some share a counter by chance, but few
    unsigned n_same = 0;
    char text[40];
    for (unsigned i = 1; i < 1000; i++) {
        snprintf(text, sizeof text, "192.0.%u.%u", i / 256, i % 256);
        n_same += slot_of(&clients, text) == slot_of(&clients, "192.0.2.255");
        snprintf(text, sizeof text, "2001:db8:0:%x::1", i);
        n_same += slot_of(&clients, text) == slot_of(&clients, "2001:db8::1");
    }
    assert_in_range(n_same, 1, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_holds_as_many_as_it_may),
        cmocka_unit_test(an_ipv4_address_and_an_ipv6_64_are_one_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Response rate limiting: the rate, the burst, what is one network, what slips, and whom a flood of forged sources does
// not set free.
#include "rrl.h"

#include "cidr.h"
#include "expect.h"

#include <netinet/in.h>

#define PLAIN                                                                                                          \
    {                                                                                                                  \
        .per_s = {1000, 200, 100}, .n_slip = 2, .prefix_v4 = 24, .prefix_v6 = 56                                       \
    }

struct asker {
    struct sockaddr_storage address;
};

static struct asker from(const char *ip)
{
    struct asker asker;
    struct ip parsed;
    expect_ok(ip_parse(bytes_of_text(ip), &parsed));
    ip_to_sockaddr(parsed, 53, &asker.address);
    return asker;
}

static enum rrl_verdict judge(struct rrl *rrl, const struct asker *asker, enum rrl_kind kind, uint64_t now_ms)
{
    return rrl_judge(rrl, (const struct sockaddr *)&asker->address, kind, now_ms);
}

// How many of `n` answers at one time pass.
static unsigned n_passing(struct rrl *rrl, const char *ip, enum rrl_kind kind, uint64_t now_ms, unsigned n)
{
    struct asker asker = from(ip);
    unsigned n_passed = 0;
    for (unsigned i = 0; i < n; i++)
        n_passed += judge(rrl, &asker, kind, now_ms) == RRL_PASS;
    return n_passed;
}

static struct rrl *open_rrl(struct rrl_options options)
{
    struct rrl *rrl;
    expect_ok(rrl_new(&rrl, &options));
    return rrl;
}

static void a_second_of_each_kind_passes_at_once_and_then_its_rate(void **)
{
    static const unsigned rates[] = {1000, 200, 100};
    struct rrl *rrl = open_rrl((struct rrl_options)PLAIN);
    uint64_t now_ms = 1234567;
    for (enum rrl_kind kind = 0; kind < N_RRL_KINDS; kind++) {
        assert_int_equal(n_passing(rrl, "192.0.2.1", kind, now_ms, 5000), rates[kind]);
        assert_int_equal(n_passing(rrl, "192.0.2.1", kind, now_ms + 10, 5000), rates[kind] / 100);
        assert_int_equal(n_passing(rrl, "192.0.2.1", kind, now_ms + 510, 5000), rates[kind] / 2);
        assert_int_equal(n_passing(rrl, "192.0.2.1", kind, now_ms + 9510, 5000), rates[kind]);
    }
    rrl_free(rrl);
}

static void a_client_at_its_rate_is_never_limited(void **)
{
    struct rrl *rrl = open_rrl((struct rrl_options)PLAIN);
    struct asker asker = from("192.0.2.1");
    for (uint64_t now_ms = 0; now_ms < 20000; now_ms++)
        assert_int_equal(judge(rrl, &asker, RRL_EXISTING, now_ms), RRL_PASS);
    rrl_free(rrl);
}

static void a_network_is_one_client_and_its_neighbour_is_another(void **)
{
    static const struct {
        const char *first, *same, *other;
    } rows[] = {
        {"192.0.2.0", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.1", "192.0.2.2", "191.0.2.1"},
        {"2001:db8::1", "2001:db8:0:ff:ffff:ffff:ffff:ffff", "2001:db8:0:100::1"},
        {"2001:db9::1", "2001:db9::2", "2001:dba::1"},
        {"::1", "::2", "0.0.0.1"},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct rrl *rrl = open_rrl((struct rrl_options)PLAIN);
        assert_int_equal(n_passing(rrl, rows[i].first, RRL_ERROR, 1000, 300), 100);
        assert_int_equal(n_passing(rrl, rows[i].same, RRL_ERROR, 1000, 300), 0);
        assert_int_equal(n_passing(rrl, rows[i].other, RRL_ERROR, 1000, 300), 100);
        rrl_free(rrl);
    }
}

static void prefixes_may_be_other_ones(void **)
{
    struct rrl_options options = PLAIN;
    options.prefix_v4 = 32;
    options.prefix_v6 = 64;
    struct rrl *rrl = open_rrl(options);
    assert_int_equal(n_passing(rrl, "192.0.2.1", RRL_ERROR, 1000, 300), 100);
    assert_int_equal(n_passing(rrl, "192.0.2.2", RRL_ERROR, 1000, 300), 100);
    assert_int_equal(n_passing(rrl, "2001:db8::1", RRL_ERROR, 1000, 300), 100);
    assert_int_equal(n_passing(rrl, "2001:db8:0:1::1", RRL_ERROR, 1000, 300), 100);
    assert_int_equal(n_passing(rrl, "2001:db8:0:1::2", RRL_ERROR, 1000, 300), 0);
    rrl_free(rrl);
}

static void an_ipv4_client_is_the_same_on_a_socket_of_both_families(void **)
{
    struct rrl *rrl = open_rrl((struct rrl_options)PLAIN);
    assert_int_equal(n_passing(rrl, "192.0.2.1", RRL_ERROR, 1000, 300), 100);
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {[10] = 0xff, 0xff, 192, 0, 2, 77}};
    assert_int_not_equal(rrl_judge(rrl, (const struct sockaddr *)&mapped, RRL_ERROR, 1000), RRL_PASS);
    rrl_free(rrl);
}

static void every_nth_answer_over_the_limit_slips(void **)
{
    for (uint32_t n_slip = 0; n_slip < 5; n_slip++) {
        struct rrl_options options = PLAIN;
        options.n_slip = n_slip;
        struct rrl *rrl = open_rrl(options);
        struct asker asker = from("192.0.2.1");
        assert_int_equal(n_passing(rrl, "192.0.2.1", RRL_ERROR, 1000, 100), 100);
        unsigned n_slipped = 0;
        for (unsigned i = 0; i < 120; i++)
            n_slipped += judge(rrl, &asker, RRL_ERROR, 1000) == RRL_SLIP;
        assert_int_equal(n_slipped, n_slip == 0 ? 0 : 120 / n_slip);
        rrl_free(rrl);
    }
}

static void rate_0_is_no_limit(void **)
{
    struct rrl_options options = PLAIN;
    options.per_s[RRL_EXISTING] = 0;
    struct rrl *rrl = open_rrl(options);
    assert_int_equal(n_passing(rrl, "192.0.2.1", RRL_EXISTING, 1000, 100000), 100000);
    assert_int_equal(n_passing(rrl, "192.0.2.1", RRL_MISSING, 1000, 1000), 200);
    rrl_free(rrl);
}

// Two hundred thousand forged networks, twelve for each bucket of the table, do not make it forget the one it limits.
static void forged_sources_set_nobody_free(void **)
{
    struct rrl *rrl = open_rrl((struct rrl_options)PLAIN);
    assert_int_equal(n_passing(rrl, "192.0.2.1", RRL_ERROR, 1000, 300), 100);
    struct asker forged = from("10.0.0.1");
    for (uint32_t i = 0; i < 200000; i++) {
        ((struct sockaddr_in *)&forged.address)->sin_addr.s_addr = htonl(0x0a000000 + (i << 8));
        judge(rrl, &forged, RRL_ERROR, 1000);
    }
    assert_int_equal(n_passing(rrl, "192.0.2.1", RRL_ERROR, 1000, 300), 0);
    rrl_free(rrl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_of_each_kind_passes_at_once_and_then_its_rate),
        cmocka_unit_test(a_client_at_its_rate_is_never_limited),
        cmocka_unit_test(a_network_is_one_client_and_its_neighbour_is_another),
        cmocka_unit_test(prefixes_may_be_other_ones),
        cmocka_unit_test(an_ipv4_client_is_the_same_on_a_socket_of_both_families),
        cmocka_unit_test(every_nth_answer_over_the_limit_slips),
        cmocka_unit_test(rate_0_is_no_limit),
        cmocka_unit_test(forged_sources_set_nobody_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "tally.h"

#include "expect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int make(void **state)
{
    struct tally *tally = aligned_alloc(_Alignof(struct tally), sizeof *tally);
    assert_non_null(tally);
    memset(tally, 0, sizeof *tally);
    *state = tally;
    return 0;
}

static int drop(void **state)
{
    free(*state);
    return 0;
}

static uint64_t count_of(const struct tally *tally, const char *transport, const char *type, const char *rcode)
{
    for (unsigned a = 0; a < TALLY_N_TRANSPORTS; a++)
        for (unsigned b = 0; b < TALLY_N_TYPES; b++)
            for (unsigned c = 0; c < TALLY_N_RCODES; c++)
                if (strcmp(tally_transport(a), transport) == 0 && strcmp(tally_type(b), type) == 0 &&
                    strcmp(tally_rcode(c), rcode) == 0)
                    return tally->answers[a][b][c];
    fail_msg("there is no %s %s %s", transport, type, rcode);
    return 0;
}

static void an_answer_is_counted_at_its_transport_type_and_rcode(void **state)
{
    static const struct {
        bool is_udp;
        unsigned type;
        unsigned rcode;
        const char *texts[3];
    } cases[] = {
        {true, 16, RCODE_NOERROR, {"udp", "TXT", "NOERROR"}},
        {false, 16, RCODE_NOERROR, {"tcp", "TXT", "NOERROR"}},
        {true, 257, RCODE_NXDOMAIN, {"udp", "CAA", "NXDOMAIN"}},
        {true, 255, RCODE_BADCOOKIE, {"udp", "ANY", "BADCOOKIE"}},
        {true, 1, RCODE_BADVERS, {"udp", "A", "BADVERS"}},
        {true, 0, RCODE_FORMERR, {"udp", "other", "FORMERR"}},
        {true, 65535, RCODE_REFUSED, {"udp", "other", "REFUSED"}},
        {true, 258, 4000, {"udp", "other", "other"}},
        {true, 3, 9, {"udp", "other", "other"}},
    };
    struct tally *tally = *state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        uint64_t before = count_of(tally, cases[i].texts[0], cases[i].texts[1], cases[i].texts[2]);
        tally_answer(tally, cases[i].is_udp, cases[i].type, cases[i].rcode);
        assert_int_equal(count_of(tally, cases[i].texts[0], cases[i].texts[1], cases[i].texts[2]), before + 1);
    }
}

static void one_batch_in_eight_is_timed_with_all_its_queries(void **state)
{
    struct tally *tally = *state;
    struct histogram_sum sum = {0};
    unsigned n_timed = 0;
    for (unsigned i = 0; i < 4 * TALLY_EVERY; i++) {
        uint64_t began_ns = tally_begin(tally);
        n_timed += began_ns != 0;
        tally_end(tally, began_ns, 5);
    }
    assert_int_equal(n_timed, 4);
    histogram_read(&sum, &tally->ns);
    uint64_t n = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        n += sum.buckets[i];
    assert_int_equal(n, 20);
    assert_true(sum.sum > 0);
}

static void a_tally_shares_no_cache_line(void **)
{
    static_assert(_Alignof(struct tally) == 64 && sizeof(struct tally) % 64 == 0);
}

#define WITH_TALLY(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TALLY(an_answer_is_counted_at_its_transport_type_and_rcode),
        WITH_TALLY(one_batch_in_eight_is_timed_with_all_its_queries),
        cmocka_unit_test(a_tally_shares_no_cache_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

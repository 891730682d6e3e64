// SPDX-License-Identifier: MIT
// Which origins a pattern lets in.
#include "cors.h"

#include "expect.h"

static const struct {
    const char *patterns[3];
    const char *origin;
    const char *allowed;
} CASES[] = {
    {{"*"}, "https://example.com", "*"},
    {{"https://a.example", "*"}, "https://a.example", "*"},
    {{"*"}, "null", "*"},
    {{"*"}, NULL, NULL},
    {{NULL}, "https://example.com", NULL},
    {{"https://example.com"}, "https://example.com", "https://example.com"},
    {{"https://example.com"}, "HTTPS://Example.COM", "HTTPS://Example.COM"},
    {{"https://example.com"}, "http://example.com", NULL},
    {{"https://example.com"}, "https://example.com:8443", NULL},
    {{"https://example.com"}, "https://example.com.evil.test", NULL},
    {{"http://*.example.com"}, "http://a.example.com", "http://a.example.com"},
    {{"http://*.example.com"}, "http://a.b.example.com", "http://a.b.example.com"},
    {{"http://*.example.com"}, "http://example.com", NULL},
    {{"http://*.example.com"}, "http://a.example.com.evil.test", NULL},
    {{"http://*.example.com"}, "https://a.example.com", NULL},
    {{"http*://a.example"}, "https://a.example", "https://a.example"},
    {{"https://a.example:*"}, "https://a.example:99", "https://a.example:99"},
    {{"https://*a*b*"}, "https://xxaxxaxxb", "https://xxaxxaxxb"},
    {{"https://*a*b*"}, "https://xxbxxa", NULL},
    {{"https://one.example", "https://*.two.example"}, "https://x.two.example", "https://x.two.example"},
};

static struct texts list_of(const char *const patterns[3])
{
    size_t n = 0;
    while (n < 3 && patterns[n] != NULL)
        n++;
    return (struct texts){n, patterns};
}

static void an_origin_is_let_in_when_a_pattern_fits_all_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(CASES); i++) {
        const struct texts patterns = list_of(CASES[i].patterns);
        const char *allowed = cors_find(&patterns, CASES[i].origin);
        if (CASES[i].allowed == NULL)
            assert_null(allowed);
        else
            assert_string_equal(allowed, CASES[i].allowed);
    }
}

static void answers_vary_unless_all_or_none_are_let_in(void **state)
{
    (void)state;
    const char *const all[] = {"https://a.example", "*"};
    const char *const some[] = {"https://*.example"};
    assert_false(cors_varies(&(struct texts){0}));
    assert_false(cors_varies(&(struct texts){2, all}));
    assert_true(cors_varies(&(struct texts){1, some}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_let_in_when_a_pattern_fits_all_of_it),
        cmocka_unit_test(answers_vary_unless_all_or_none_are_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

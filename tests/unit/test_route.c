// SPDX-License-Identifier: MIT
// Which handler a path and a method lead to.
#include "route.h"

#include "expect.h"

#include <string.h>

static const struct {
    const char *path;
    const char *method;
    enum err err;
    const char *name;
} CASES[] = {
    {"/health", "GET", ERR_OK, "health"},
    {"/health", "HEAD", ERR_OK, "health"},
    {"/ready", "GET", ERR_OK, "ready"},
    {"/register", "POST", ERR_OK, "register"},
    {"/update", "POST", ERR_OK, "update"},
    {"//register", "POST", ERR_OK, "register"},
    {"/register/", "POST", ERR_OK, "register"},
    {"/Register", "POST", ERR_OK, "register"},
    {"///UPDATE//", "POST", ERR_OK, "update"},
    {"register", "POST", ERR_OK, "register"},
    {"http://auth.example.org/register", "POST", ERR_OK, "register"},
    {"HTTPS://auth.example.org:8443//update/", "POST", ERR_OK, "update"},
    {"/update", "OPTIONS", ERR_OK, "update"},
    {"/update", "GET", ERR_METHOD, "update"},
    {"/update", "PUT", ERR_METHOD, "update"},
    {"/update", "post", ERR_METHOD, "update"},
    {"/register", "GET", ERR_METHOD, "register"},
    {"/health", "POST", ERR_METHOD, "health"},
    {"/ready", "DELETE", ERR_METHOD, "ready"},
    {"", "GET", ERR_NOT_FOUND, NULL},
    {"/", "GET", ERR_NOT_FOUND, NULL},
    {"/healthz", "GET", ERR_NOT_FOUND, NULL},
    {"/heal", "GET", ERR_NOT_FOUND, NULL},
    {"/update/x", "POST", ERR_NOT_FOUND, NULL},
    {"/x/update", "POST", ERR_NOT_FOUND, NULL},
    {"/x/register", "POST", ERR_NOT_FOUND, NULL},
    {"http://auth.example.org", "GET", ERR_NOT_FOUND, NULL},
    {"*", "OPTIONS", ERR_NOT_FOUND, NULL},
};

static void a_path_is_found_however_it_is_spelt(void **state)
{
    (void)state;
    const struct conf conf = {0};
    for (size_t i = 0; i < N_OF(CASES); i++) {
        struct route_match match = {0};
        assert_int_equal(route_find(&conf, CASES[i].path, CASES[i].method, &match), CASES[i].err);
        if (CASES[i].name == NULL)
            assert_null(match.route);
        else
            assert_string_equal(match.route->path, CASES[i].name);
        assert_int_equal(match.prefix.n, 0);
        assert_int_equal(match.is_options, CASES[i].err == ERR_OK && strcmp(CASES[i].method, "OPTIONS") == 0);
    }
}

static void with_tokens_a_segment_may_stand_before_register_and_update(void **state)
{
    (void)state;
    const struct token token = {"name", "0123456789abcdef"};
    const struct conf conf = {.api_registration_tokens = {1, &token}};
    struct route_match match;
    expect_ok(route_find(&conf, "//AbC//Register/", "POST", &match));
    assert_string_equal(match.route->path, "register");
    assert_true(bytes_equal(match.prefix, bytes_of_text("AbC")));
    expect_ok(route_find(&conf, "/AbC/update", "POST", &match));
    assert_string_equal(match.route->path, "update");
    expect_ok(route_find(&conf, "/register", "POST", &match));
    assert_int_equal(match.prefix.n, 0);
    assert_int_equal(route_find(&conf, "/AbC/health", "GET", &match), ERR_NOT_FOUND);
    assert_int_equal(route_find(&conf, "/a/b/register", "POST", &match), ERR_NOT_FOUND);
}

static void register_that_is_switched_off_is_not_there_for_any_method(void **state)
{
    (void)state;
    const struct conf conf = {.api_disable_registration = true};
    struct route_match match;
    assert_int_equal(route_find(&conf, "/register", "POST", &match), ERR_NOT_FOUND);
    assert_int_equal(route_find(&conf, "/register", "GET", &match), ERR_NOT_FOUND);
    assert_int_equal(route_find(&conf, "/register", "OPTIONS", &match), ERR_NOT_FOUND);
    expect_ok(route_find(&conf, "/update", "POST", &match));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_found_however_it_is_spelt),
        cmocka_unit_test(with_tokens_a_segment_may_stand_before_register_and_update),
        cmocka_unit_test(register_that_is_switched_off_is_not_there_for_any_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Shapes of credentials, registration tokens, and the networks of an account.
#include "auth.h"

#include "expect.h"

#include <string.h>

#define KEY "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7-"

static const struct {
    const char *user;
    const char *key;
    enum err err;
} SHAPES[] = {
    {"c36f50e8-4632-44f0-83fe-e070fef28a10", KEY, ERR_OK},
    {"C36F50E8-4632-44F0-83FE-E070FEF28A10", KEY, ERR_OK},
    {"c36f50e8463244f083fee070fef28a10", KEY, ERR_OK},
    {"{c36f50e8-4632-44f0-83fe-e070fef28a10}", KEY, ERR_OK},
    {NULL, KEY, ERR_FORBIDDEN},
    {"c36f50e8-4632-44f0-83fe-e070fef28a10", NULL, ERR_FORBIDDEN},
    {"", "", ERR_FORBIDDEN},
    {"c36f50e8-4632-44f0-83fe-e070fef28a1", KEY, ERR_FORBIDDEN},
    {"admin", KEY, ERR_FORBIDDEN},
    {"c36f50e8-4632-44f0-83fe-e070fef28a10", KEY "x", ERR_FORBIDDEN},
    {"c36f50e8-4632-44f0-83fe-e070fef28a10", "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7", ERR_FORBIDDEN},
    {"c36f50e8-4632-44f0-83fe-e070fef28a10", "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7/", ERR_FORBIDDEN},
    {"c36f50e8-4632-44f0-83fe-e070fef28a10", "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7'", ERR_FORBIDDEN},
};

static void a_user_is_a_uuid_and_a_key_has_40_letters(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(SHAPES); i++) {
        struct uuid uuid = {0};
        char text[UUID_TEXT_SIZE];
        assert_int_equal(auth_parse(SHAPES[i].user, SHAPES[i].key, &uuid), SHAPES[i].err);
        uuid_write(&uuid, text);
        assert_string_equal(text, SHAPES[i].err == ERR_OK ? "c36f50e8-4632-44f0-83fe-e070fef28a10"
                                                          : "00000000-0000-0000-0000-000000000000");
    }
}

static const struct token TOKENS[] = {
    {"alice", "0123456789abcdef"},
    {"bob", "0123456789abcdeF"},
    {"carol", "a-much-longer-token"},
};

static const struct {
    const char *authorization;
    const char *prefix;
    const char *name;
} OFFERS[] = {
    {NULL, "", NULL},
    {NULL, "0123456789abcdef", "alice"},
    {NULL, "0123456789abcdeF", "bob"},
    {NULL, "0123456789abcde", NULL},
    {NULL, "0123456789abcdefg", NULL},
    {"Bearer a-much-longer-token", "", "carol"},
    {"bearer   a-much-longer-token", "", "carol"},
    {"Bearer a-much-longer-tokeN", "", NULL},
    {"Bearer", "", NULL},
    {"Bearer ", "", NULL},
    {"Bearera-much-longer-token", "", NULL},
    {"Basic YWNtZTowMTIzNDU2Nzg5YWJjZGVm", "", "alice"}, // acme:0123456789abcdef
    {"Basic Pz8-OjAxMjM0NTY3ODlhYmNkZWY=", "", "alice"}, // ??>:0123456789abcdef in the alphabet for URLs
    {"Basic Pz8_OjAxMjM0NTY3ODlhYmNkZWY=", "", "alice"}, // ???:0123456789abcdef
    {"bAsIc OjAxMjM0NTY3ODlhYmNkZUY=", "", "bob"},       // :0123456789abcdeF
    {"Basic MDEyMzQ1Njc4OWFiY2RlZg==", "", NULL},        // no colon
    {"Basic MDEyMzQ1Njc4OWFiY2RlZjo=", "", NULL},        // the token is the user
    {"Basic ", "", NULL},                                // as win-acme sends it
    {"Basic", "", NULL},
    {"Basic ====", "", NULL},
    {"Basic !!!!", "", NULL},
    {"Digest username=x", "", NULL},
    {"", "", NULL},
    {"Basic !!!!", "0123456789abcdef", "alice"},
    {"Bearer wrong", "a-much-longer-token", "carol"},
};

static void a_token_is_taken_as_bearer_as_basic_password_or_from_the_path(void **state)
{
    (void)state;
    const struct tokens tokens = {N_OF(TOKENS), TOKENS};
    for (size_t i = 0; i < N_OF(OFFERS); i++) {
        const struct token *token = auth_find_token(&tokens, OFFERS[i].authorization, bytes_of_text(OFFERS[i].prefix));
        if (OFFERS[i].name == NULL)
            assert_null(token);
        else
            assert_string_equal(token->name, OFFERS[i].name);
    }
}

static const struct {
    const char *allowfrom;
    const char *ip;
    bool is_allowed;
} NETWORKS[] = {
    {"", "192.0.2.1", true},
    {"", "2001:db8::1", true},
    {"\014192.0.2.0/24", "192.0.2.1", true},
    {"\014192.0.2.0/24", "::ffff:192.0.2.1", true},
    {"\014192.0.2.0/24", "192.0.3.1", false},
    {"\014192.0.2.0/24", "2001:db8::1", false},
    {"\014192.0.2.7/24\015"
     "2001:db8::/32",
     "2001:db8::1", true},
    {"\014192.0.2.0/24\0072001::1", "192.0.2.1", true},
    {"\014192.0.2.0/24\003abc", "192.0.2.1", false},
    {"\014192.0.2.0/24\004ab", "192.0.2.1", false},
};

static void an_account_is_used_from_its_networks_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(NETWORKS); i++) {
        struct ip ip;
        expect_ok(ip_parse(bytes_of_text(NETWORKS[i].ip), &ip));
        assert_int_equal(auth_allows(bytes_of_text(NETWORKS[i].allowfrom), ip), NETWORKS[i].is_allowed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_a_uuid_and_a_key_has_40_letters),
        cmocka_unit_test(a_token_is_taken_as_bearer_as_basic_password_or_from_the_path),
        cmocka_unit_test(an_account_is_used_from_its_networks_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

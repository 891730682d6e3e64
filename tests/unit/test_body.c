// SPDX-License-Identifier: MIT
// What is read from and written into JSON bodies.
#include "body.h"

#include "api.h"
#include "expect.h"

#include <stdlib.h>
#include <string.h>

#define SUB "8e5700ea-a4bf-41c7-8a77-e990661dcc6a"
#define TXT "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"

static const struct {
    const char *body;
    enum err err;
    const char *allowfrom;
} REGISTERS[] = {
    {"", ERR_OK, ""},
    {" \r\n\t", ERR_OK, ""},
    {"null", ERR_OK, ""},
    {"null\n", ERR_OK, ""},
    {"{}", ERR_OK, ""},
    {"{\"allowfrom\":null}", ERR_OK, ""},
    {"{\"allowfrom\":[]}", ERR_OK, ""},
    {"{\"unknown\":[1,2]}", ERR_OK, ""},
    {"{\"allowfrom\":[\"192.0.2.0/24\"]}", ERR_OK, "\014192.0.2.0/24"},
    {"{\"AllowFrom\":[\"192.0.2.7/24\",\"[2001:DB8::]/32\"]}", ERR_OK,
     "\014192.0.2.7/24\015"
     "2001:db8::/32"},
    {"{\"allowfrom\":[\"1.2.3.4/8\"],\"ALLOWFROM\":[\"4.3.2.1/8\"]}", ERR_OK, "\0114.3.2.1/8"},
    {"{\"allowfrom\":[\"1.2.3.4/33\"]}", ERR_CIDR, NULL},
    {"{\"allowfrom\":[\"1.2.3.4/8\",\"\"]}", ERR_CIDR, NULL},
    {"{\"allowfrom\":[\"example.com\"]}", ERR_CIDR, NULL},
    {"{\"allowfrom\":\"1.2.3.4/8\"}", ERR_JSON, NULL},
    {"{\"allowfrom\":{}}", ERR_JSON, NULL},
    {"{\"allowfrom\":[7]}", ERR_JSON, NULL},
    {"[]", ERR_JSON, NULL},
    {"\"text\"", ERR_JSON, NULL},
    {"7", ERR_JSON, NULL},
    {"{", ERR_JSON, NULL},
    {"{}}", ERR_JSON, NULL},
    {"allowfrom=1.2.3.4", ERR_JSON, NULL},
    {"{\"allowfrom\":[\"\xff\"]}", ERR_JSON, NULL},
};

static void a_registration_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(REGISTERS); i++) {
        struct body_register out = {0};
        assert_int_equal(body_parse_register(bytes_of_text(REGISTERS[i].body), &out), REGISTERS[i].err);
        if (REGISTERS[i].err == ERR_OK)
            assert_true(
                bytes_equal((struct bytes){out.allowfrom, out.n_allowfrom}, bytes_of_text(REGISTERS[i].allowfrom)));
        else
            assert_null(out.allowfrom);
        free(out.allowfrom);
    }
}

static const struct {
    const char *body;
    enum err err;
    enum err subdomain;
    enum err txt;
} UPDATES[] = {
    {"{\"subdomain\":\"" SUB "\",\"txt\":\"" TXT "\"}", ERR_OK, ERR_OK, ERR_OK},
    {"{\"SubDomain\":\"" SUB "\",\"Txt\":\"" TXT "\"}", ERR_OK, ERR_OK, ERR_OK},
    {" {\"txt\" : \"" TXT "\", \"x\":{}, \"subdomain\":\"8E5700EA-A4BF-41C7-8A77-E990661DCC6A\"}\n", ERR_OK, ERR_OK,
     ERR_OK},
    {"{\"txt\":\"short\",\"TXT\":\"" TXT "\",\"subdomain\":\"" SUB "\"}", ERR_OK, ERR_OK, ERR_OK},
    {"{}", ERR_OK, ERR_SUBDOMAIN, ERR_TXT},
    {"null", ERR_OK, ERR_SUBDOMAIN, ERR_TXT},
    {"{\"subdomain\":\"\",\"txt\":\"\"}", ERR_OK, ERR_SUBDOMAIN, ERR_TXT},
    {"{\"subdomain\":5,\"txt\":5}", ERR_OK, ERR_SUBDOMAIN, ERR_TXT},
    {"{\"subdomain\":\"example.com\",\"txt\":\"" TXT "\"}", ERR_OK, ERR_SUBDOMAIN, ERR_OK},
    {"{\"subdomain\":\"{" SUB "}\",\"txt\":\"" TXT "\"}", ERR_OK, ERR_SUBDOMAIN, ERR_OK},
    {"{\"subdomain\":\"8e5700eaa4bf41c78a77e990661dcc6a\",\"txt\":\"" TXT "\"}", ERR_OK, ERR_SUBDOMAIN, ERR_OK},
    {"{\"subdomain\":\"" SUB "\",\"txt\":\"" TXT "x\"}", ERR_OK, ERR_OK, ERR_TXT},
    {"{\"subdomain\":\"" SUB "\",\"txt\":\"LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmto\"}", ERR_OK, ERR_OK, ERR_TXT},
    {"{\"subdomain\":\"" SUB "\",\"txt\":\"LHDhK3oGRvkiefQnx7OOczTY5Tic+xZ6HcMOc/gmtoM\"}", ERR_OK, ERR_OK, ERR_TXT},
    {"{\"subdomain\":\"" SUB "\",\"txt\":\"LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmto=\"}", ERR_OK, ERR_OK, ERR_TXT},
    {"", ERR_JSON, 0, 0},
    {"  ", ERR_JSON, 0, 0},
    {"[]", ERR_JSON, 0, 0},
    {"subdomain=x&txt=y", ERR_JSON, 0, 0},
    {"{\"subdomain\":\"" SUB "\",\"txt\":\"" TXT "\"", ERR_JSON, 0, 0},
};

static void an_update_is_read_and_each_part_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(UPDATES); i++) {
        struct body_update out = {0};
        struct body_update_result result;
        assert_int_equal(body_parse_update(bytes_of_text(UPDATES[i].body), &out, &result), UPDATES[i].err);
        if (UPDATES[i].err != ERR_OK)
            continue;
        assert_int_equal(result.subdomain, UPDATES[i].subdomain);
        assert_int_equal(result.txt, UPDATES[i].txt);
        assert_string_equal(out.subdomain, result.subdomain == ERR_OK ? SUB : "");
        assert_string_equal(out.txt, result.txt == ERR_OK ? TXT : "");
    }
}

static void an_account_is_written_compactly_and_in_order(void **state)
{
    (void)state;
    struct body_account account = {
        .username = "user",
        .password = "pass",
        .fulldomain = "sub.auth.example.org",
        .subdomain = "sub",
        .allowfrom = bytes_of_text("\0111.2.3.4/8\0062000::"),
    };
    char *text = body_write_account(&account);
    assert_string_equal(text, "{\"username\":\"user\",\"password\":\"pass\",\"fulldomain\":\"sub.auth.example.org\","
                              "\"subdomain\":\"sub\",\"allowfrom\":[\"1.2.3.4/8\",\"2000::\"]}");
    free(text);
    account.allowfrom = (struct bytes){0};
    text = body_write_account(&account);
    assert_non_null(strstr(text, ",\"allowfrom\":[]}"));
    free(text);
}

static void checks_are_written_with_why(void **state)
{
    (void)state;
    const struct api_check checks[] = {{"a", true, "unread", NULL},
                                       {"b", false, "broken", NULL},
                                       {"c", false, NULL, NULL},
                                       {"d", true, "why it is so", "as it is"},
                                       {"e", true, NULL, "in order"}};
    char *text = body_write_checks(checks, N_OF(checks), false);
    assert_string_equal(text, "{\"ready\":false,\"checks\":[{\"name\":\"a\",\"ready\":true},"
                              "{\"name\":\"b\",\"ready\":false,\"why\":\"broken\"},"
                              "{\"name\":\"c\",\"ready\":false,\"why\":\"not ready\"},"
                              "{\"name\":\"d\",\"ready\":true,\"state\":\"as it is\",\"why\":\"why it is so\"},"
                              "{\"name\":\"e\",\"ready\":true,\"state\":\"in order\"}]}");
    free(text);
    text = body_write_checks(NULL, 0, true);
    assert_string_equal(text, "{\"ready\":true,\"checks\":[]}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registration_is_read),
        cmocka_unit_test(an_update_is_read_and_each_part_judged),
        cmocka_unit_test(an_account_is_written_compactly_and_in_order),
        cmocka_unit_test(checks_are_written_with_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// POST /register: who may, what may be asked for, and what comes back.
#include "expect.h"
#include "rig.h"

#include <string.h>

static const char *const REGISTER_REQUESTS[] = {
    "POST /register HTTP/1.1\r\nHost: x\r\n\r\n", // acme.sh: neither body nor length
    "POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "POST /register HTTP/1.0\r\n\r\n",
    "POST //register HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nnull\n", // nrdcg/goacmedns
    "POST /Register/ HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
    "POST /register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
};

static void every_way_to_register_gets_an_account(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "");
    for (size_t i = 0; i < N_OF(REGISTER_REQUESTS); i++) {
        rig_ask(&rig, REGISTER_REQUESTS[i], &reply);
        assert_int_equal(reply.status, 201);
        rig_expect(reply.head, "\r\nContent-Type: application/json\r\n");
        assert_memory_equal(reply.body, "{\"username\":\"", 13);
        rig_expect(reply.body, ".auth.example.org\",\"subdomain\":\"");
        rig_expect(reply.body, ",\"allowfrom\":[]}");
    }
    assert_int_equal(rig_count(&rig, COUNT_registrations), N_OF(REGISTER_REQUESTS));
    rig_post(&rig, "/register", "", "{\"AllowFrom\":[\"192.0.2.7/24\",\"[2001:db8::]/32\"]}", &reply);
    assert_int_equal(reply.status, 201);
    rig_expect(reply.body, ",\"allowfrom\":[\"192.0.2.7/24\",\"2001:db8::/32\"]}");
    assert_true(RIG_HAS_LOGGED(&rig, " info register.done ", "ip=127.0.0.1"));
    rig_close(&rig);
}

static void registration_that_is_switched_off_is_404(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "disable_registration = true");
    rig_post(&rig, "/register", "", "{}", &reply);
    assert_int_equal(reply.status, 404);
    assert_string_equal(reply.body, "{\"error\": \"not_found\"}");
    rig_close(&rig);
}

static const struct {
    const char *path;
    const char *headers;
    unsigned status;
} TOKEN_CASES[] = {
    {"/register", "", 401},
    {"/register", "Authorization: Bearer 0123456789abcdeX\r\n", 401},
    {"/register", "Authorization: Basic\r\n", 401},
    {"/0123456789abcdeX/register", "", 401},
    {"/register", "Authorization: Bearer 0123456789abcdef\r\n", 201},
    {"/register", "Authorization: Basic YWNtZTowMTIzNDU2Nzg5YWJjZGVm\r\n", 201},
    {"/0123456789abcdef/register", "", 201},
};

static void with_tokens_only_who_has_one_registers(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "registration_tokens = [\"team-a:0123456789abcdef\"]");
    for (size_t i = 0; i < N_OF(TOKEN_CASES); i++) {
        rig_post(&rig, TOKEN_CASES[i].path, TOKEN_CASES[i].headers, "{}", &reply);
        assert_int_equal(reply.status, TOKEN_CASES[i].status);
        if (reply.status == 401)
            assert_string_equal(reply.body, RIG_FORBIDDEN);
    }
    assert_true(RIG_HAS_LOGGED(&rig, "register.done", "token=team-a"));
    assert_true(RIG_HAS_LOGGED(&rig, "register.refused", "reason=token", "status=401", "ip=127.0.0.1"));
    assert_false(RIG_HAS_LOGGED(&rig, "0123456789abcde"));
    rig_close(&rig);
}

static void only_listed_networks_register(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "registration_allowfrom = [\"192.0.2.0/24\"]\nuse_header = true");
    rig_post(&rig, "/register", "", "", &reply);
    assert_int_equal(reply.status, 401);
    assert_string_equal(reply.body, RIG_FORBIDDEN);
    rig_post(&rig, "/register", "X-Forwarded-For: 192.0.2.1, 198.51.100.1\r\n", "", &reply);
    assert_int_equal(reply.status, 401);
    rig_post(&rig, "/register", "x-forwarded-for: 1.1.1.1\r\nX-Forwarded-For: 192.0.2.1, 127.0.0.9\r\n", "", &reply);
    assert_int_equal(reply.status, 201);
    assert_true(RIG_HAS_LOGGED(&rig, "register.done", "ip=192.0.2.1"));
    assert_true(RIG_HAS_LOGGED(&rig, "register.refused", "reason=network", "ip=198.51.100.1"));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_register_gets_an_account),
        cmocka_unit_test(registration_that_is_switched_off_is_404),
        cmocka_unit_test(with_tokens_only_who_has_one_registers),
        cmocka_unit_test(only_listed_networks_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// The API as a client sees it: probes, paths, errors, CORS, and a start that fails.
#include "expect.h"
#include "rig.h"

#include <string.h>

static void health_is_200_without_a_body_for_get_and_head(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "");
    rig_ask(&rig, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", &reply);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "");
    rig_expect_not(reply.head, "Content-Type");
    rig_ask(&rig, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n", &reply);
    assert_int_equal(reply.status, 200);
    rig_close(&rig);
}

static void ready_says_what_is_not(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "");
    rig_ask(&rig, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n", &reply);
    assert_int_equal(reply.status, 200);
    rig_expect(reply.head, "\r\nContent-Type: application/json\r\n");
    assert_string_equal(reply.body, "{\"ready\":true,\"checks\":[{\"name\":\"store\",\"ready\":true},"
                                    "{\"name\":\"oven\",\"ready\":true}]}");
    rig.is_ready = false;
    rig_ask(&rig, "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n", &reply);
    assert_int_equal(reply.status, 503);
    rig_expect(reply.head, "\r\nRetry-After: ");
    assert_string_equal(reply.body, "{\"ready\":false,\"checks\":[{\"name\":\"store\",\"ready\":true},"
                                    "{\"name\":\"oven\",\"ready\":false,\"why\":\"it is cold\"}]}");
    rig_close(&rig);
}

static const struct {
    const char *request;
    unsigned status;
    const char *header;
    const char *body;
} REFUSALS[] = {
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL, "{\"error\": \"not_found\"}"},
    {"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, NULL, "{\"error\": \"not_found\"}"},
    {"GET /update HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: POST, OPTIONS", "{\"error\": \"method_not_allowed\"}"},
    {"PUT /register HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 405, "Allow: POST, OPTIONS",
     "{\"error\": \"method_not_allowed\"}"},
    {"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, "Allow: GET, HEAD, OPTIONS",
     "{\"error\": \"method_not_allowed\"}"},
    {"POST /update HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 401, NULL, RIG_FORBIDDEN},
    {"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n[", 400, NULL,
     "{\"error\": \"malformed_json_payload\"}"},
    {"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n{\"allowfrom\":[\"me\"]} ", 400, NULL,
     "{\"error\": \"invalid_allowfrom_cidr\"}"},
};

static void errors_are_json(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "");
    for (size_t i = 0; i < N_OF(REFUSALS); i++) {
        rig_ask(&rig, REFUSALS[i].request, &reply);
        assert_int_equal(reply.status, REFUSALS[i].status);
        rig_expect(reply.head, "\r\nContent-Type: application/json\r\n");
        assert_string_equal(reply.body, REFUSALS[i].body);
        if (REFUSALS[i].header != NULL)
            rig_expect(reply.head, REFUSALS[i].header);
    }
    assert_int_equal(rig_count(&rig, COUNT_http_errors), N_OF(REFUSALS));
    rig_close(&rig);
}

static void a_preflight_names_the_headers_that_clients_send(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "corsorigins = [\"http://*.example.com\"]");
    rig_ask(&rig,
            "OPTIONS /update HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example.com\r\n"
            "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-api-user,x-api-key\r\n\r\n",
            &reply);
    assert_int_equal(reply.status, 204);
    rig_expect(reply.head, "\r\nAccess-Control-Allow-Origin: http://a.example.com\r\n");
    rig_expect(reply.head, "\r\nAccess-Control-Allow-Methods: POST");
    rig_expect(reply.head, "\r\nAccess-Control-Allow-Headers: Content-Type, X-Api-User, X-Api-Key");
    rig_expect(reply.head, "\r\nAccess-Control-Max-Age: ");
    rig_expect(reply.head, "\r\nVary: Origin\r\n");
    rig_post(&rig, "/update", "Origin: http://a.example.com\r\n", "", &reply);
    assert_int_equal(reply.status, 401);
    rig_expect(reply.head, "\r\nAccess-Control-Allow-Origin: http://a.example.com\r\n");
    rig_ask(&rig, "OPTIONS /update HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.test\r\n\r\n", &reply);
    assert_int_equal(reply.status, 204);
    rig_expect(reply.head, "\r\nVary: Origin\r\n");
    rig_expect_not(reply.head, "Access-Control");
    rig_close(&rig);
}

static void everybody_is_told_with_a_star_and_nobody_with_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    rig_open(&rig, "corsorigins = [\"*\"]");
    rig_ask(&rig, "GET /health HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.test\r\n\r\n", &reply);
    rig_expect(reply.head, "\r\nAccess-Control-Allow-Origin: *\r\n");
    rig_expect_not(reply.head, "Vary");
    rig_close(&rig);
    rig_open(&rig, "");
    rig_ask(&rig, "GET /health HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.test\r\n\r\n", &reply);
    rig_expect_not(reply.head, "Access-Control");
    rig_expect_not(reply.head, "Vary");
    rig_close(&rig);
}

static void a_socket_that_cannot_be_served_is_an_error_at_the_start(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig);
    rig.has_bad_socket = true;
    expect_err(rig_start(&rig, ""), ERR_SYSTEM);
    assert_true(RIG_HAS_LOGGED(&rig, " error api.refused "));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_is_200_without_a_body_for_get_and_head),
        cmocka_unit_test(ready_says_what_is_not),
        cmocka_unit_test(errors_are_json),
        cmocka_unit_test(a_preflight_names_the_headers_that_clients_send),
        cmocka_unit_test(everybody_is_told_with_a_star_and_nobody_with_nothing),
        cmocka_unit_test(a_socket_that_cannot_be_served_is_an_error_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

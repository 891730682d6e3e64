// SPDX-License-Identifier: MIT
// POST /update: what is stored, what is refused, and what a stranger can learn.
#include "expect.h"
#include "rig.h"

#include <stdio.h>
#include <string.h>

static unsigned stored_values(const struct rig *rig, const char *subdomain, const char *txt)
{
    struct store_reader *reader;
    struct txt found = {0};
    char rdata[64];
    snprintf(rdata, sizeof rdata, "%c%s", (int)strlen(txt), txt);
    expect_ok(store_reader_open(&reader, rig->store));
    expect_ok(store_begin(reader));
    expect_ok(store_find_txt(reader, bytes_of_text(subdomain), &found));
    assert_non_null(memmem(found.rdata.at, found.rdata.n, rdata, strlen(rdata)));
    store_end(reader);
    store_reader_close(reader);
    return found.n_values;
}

static void a_value_is_stored_when_the_answer_comes(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account;
    rig_open(&rig, "");
    rig_register(&rig, "", &account);
    rig_update(&rig, &account, rig_update_body(&account, RIG_TXT), &reply);
    assert_int_equal(reply.status, 200);
    rig_expect(reply.head, "\r\nContent-Type: application/json\r\n");
    assert_string_equal(reply.body, "{\"txt\": \"" RIG_TXT "\"}");
    assert_int_equal(stored_values(&rig, account.subdomain, RIG_TXT), 1);
    rig_update(&rig, &account, rig_update_body(&account, RIG_TXT2), &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(stored_values(&rig, account.subdomain, RIG_TXT2), 2);
    assert_int_equal(rig_count(&rig, COUNT_updates), 2);
    assert_true(RIG_HAS_LOGGED(&rig, "update.done", account.username, account.subdomain, "ip=127.0.0.1"));
    assert_false(RIG_HAS_LOGGED(&rig, account.password));
    rig_close(&rig);
}

static void a_user_may_be_spelt_in_any_way_and_foreign_headers_do_not_matter(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account, spelt;
    rig_open(&rig, "");
    rig_register(&rig, "", &account);
    spelt = account;
    for (char *c = spelt.username; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 32 : *c);
    for (char *c = spelt.subdomain; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 32 : *c);
    rig_update(&rig, &spelt, rig_update_body(&spelt, RIG_TXT), &reply);
    assert_int_equal(reply.status, 200);
    char headers[512];
    snprintf(headers, sizeof headers,
             "x-api-user: {%s}\r\nx-api-key: %s\r\nAuthorization: Basic\r\nContent-Type: "
             "application/x-www-form-urlencoded\r\n",
             account.username, account.password);
    rig_post(&rig, "//Update", headers, rig_update_body(&account, RIG_TXT), &reply);
    assert_int_equal(reply.status, 200);
    rig_close(&rig);
}

static void a_verified_credential_is_not_hashed_again(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account;
    rig_open(&rig, "");
    rig_register(&rig, "", &account);
    for (int i = 0; i < 5; i++)
        rig_update(&rig, &account, rig_update_body(&account, RIG_TXT), &reply);
    assert_int_equal(rig_count(&rig, COUNT_hashes), 2); // register, first update
    assert_int_equal(rig_count(&rig, COUNT_credential_hits), 4);
    account.password[0] = account.password[0] == 'a' ? 'b' : 'a';
    for (int i = 0; i < 2; i++) {
        rig_update(&rig, &account, rig_update_body(&account, RIG_TXT), &reply);
        assert_int_equal(reply.status, 401);
    }
    assert_int_equal(rig_count(&rig, COUNT_hashes), 4);
    assert_int_equal(rig_count(&rig, COUNT_credential_hits), 4);
    rig_close(&rig);
}

static void without_a_cache_each_update_is_hashed(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account;
    rig_open(&rig, "credential_cache = 0");
    rig_register(&rig, "", &account);
    for (int i = 0; i < 3; i++)
        rig_update(&rig, &account, rig_update_body(&account, RIG_TXT), &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(rig_count(&rig, COUNT_hashes), 4);
    rig_close(&rig);
}

// Takes the Date line out, the only part that may differ.
static void drop_date(struct reply *reply)
{
    char *date = strstr(reply->head, "\r\nDate: ");
    assert_non_null(date);
    const char *rest = strstr(date + 2, "\r\n");
    memmove(date, rest, strlen(rest) + 1);
}

static void a_stranger_cannot_tell_the_refusals_apart(void **state)
{
    (void)state;
    struct rig rig;
    struct reply replies[5];
    struct rig_account account, other, far, wrong;
    rig_open(&rig, "");
    rig_register(&rig, "", &account);
    rig_register(&rig, "", &other);
    rig_register(&rig, "{\"allowfrom\":[\"192.0.2.0/24\"]}", &far);
    wrong = account;
    wrong.password[0] = wrong.password[0] == 'a' ? 'b' : 'a';
    rig_update(&rig, &wrong, rig_update_body(&account, RIG_TXT), &replies[0]);
    wrong = account;
    strcpy(wrong.username, RIG_NOBODY);
    rig_update(&rig, &wrong, rig_update_body(&account, RIG_TXT), &replies[1]);
    rig_update(&rig, &far, rig_update_body(&far, RIG_TXT), &replies[2]);
    rig_update(&rig, &account, rig_update_body(&other, RIG_TXT), &replies[3]);
    strcpy(wrong.password, "short");
    rig_update(&rig, &wrong, rig_update_body(&account, RIG_TXT), &replies[4]);
    for (int i = 0; i < 5; i++) {
        drop_date(&replies[i]);
        assert_int_equal(replies[i].status, 401);
        assert_string_equal(replies[i].body, RIG_FORBIDDEN);
        assert_string_equal(replies[i].head, replies[0].head);
    }
    assert_true(RIG_HAS_LOGGED(&rig, "update.refused", "reason=password", "status=401", "ip=127.0.0.1"));
    assert_true(RIG_HAS_LOGGED(&rig, "update.refused", "reason=unknown_account", "account=" RIG_NOBODY));
    assert_true(RIG_HAS_LOGGED(&rig, "update.refused", "reason=network", far.username));
    assert_true(RIG_HAS_LOGGED(&rig, "update.refused", "reason=subdomain", other.subdomain));
    assert_true(RIG_HAS_LOGGED(&rig, "update.refused", "reason=credentials"));
    assert_int_equal(rig_count(&rig, COUNT_auth_refused), 5);
    assert_int_equal(rig_count(&rig, COUNT_hashes), 3 + 4); // unknown accounts are hashed too
    rig_close(&rig);
}

static void what_is_wrong_is_told_in_order(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account, far, wrong;
    rig_open(&rig, "");
    rig_register(&rig, "", &account);
    rig_register(&rig, "{\"allowfrom\":[\"192.0.2.0/24\"]}", &far);
    wrong = account;
    wrong.password[0] = wrong.password[0] == 'a' ? 'b' : 'a';
    const struct {
        const struct rig_account *account;
        const char *body;
        unsigned status;
        const char *answer;
    } cases[] = {
        {&wrong, "{", 401, RIG_FORBIDDEN},
        {&far, "{", 401, RIG_FORBIDDEN},
        {&account, "{", 400, "{\"error\": \"malformed_json_payload\"}"},
        {&account, "", 400, "{\"error\": \"malformed_json_payload\"}"},
        {&account, " \n", 400, "{\"error\": \"malformed_json_payload\"}"},
        {&account, "{\"txt\":\"x\"}", 400, "{\"error\": \"bad_subdomain\"}"},
        {&account, "{\"subdomain\":\"a.b\",\"txt\":\"x\"}", 400, "{\"error\": \"bad_subdomain\"}"},
        {&account, "{\"subdomain\":\"" RIG_NOBODY "\",\"txt\":\"x\"}", 401, RIG_FORBIDDEN},
        {&account, rig_update_body(&account, "x"), 400, "{\"error\": \"bad_txt\"}"},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        rig_update(&rig, cases[i].account, cases[i].body, &reply);
        assert_int_equal(reply.status, cases[i].status);
        assert_string_equal(reply.body, cases[i].answer);
    }
    assert_int_equal(rig_count(&rig, COUNT_updates), 0);
    rig_close(&rig);
}

static void allowfrom_sees_the_client_behind_a_trusted_proxy_only(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply;
    struct rig_account account;
    rig_open(&rig, "use_header = true\nheader_name = \"X-Real\"\ntrusted_proxies = [\"127.0.0.1\"]");
    rig_register(&rig, "{\"allowfrom\":[\"192.0.2.0/24\"]}", &account);
    char headers[256];
    static const struct {
        const char *header;
        unsigned status;
    } cases[] = {
        {"", 401},
        {"X-Real: 192.0.2.9\r\n", 200},
        {"X-Real: 192.0.2.9, 198.51.100.1\r\n", 401},
        {"X-Real: 192.0.2.9:80\r\n", 200},
        {"X-Real: bogus\r\n", 401},
        {"X-Forwarded-For: 192.0.2.9\r\n", 401},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        snprintf(headers, sizeof headers, "X-Api-User: %s\r\nX-Api-Key: %s\r\n%s", account.username, account.password,
                 cases[i].header);
        rig_post(&rig, "/update", headers, rig_update_body(&account, RIG_TXT), &reply);
        assert_int_equal(reply.status, cases[i].status);
    }
    rig_close(&rig);
}

static void a_store_that_is_full_is_503_and_the_server_lives_on(void **state)
{
    (void)state;
    struct rig rig;
    struct reply reply = {0};
    rig_open(&rig, "");
    for (int i = 0; i < 20000 && (i == 0 || reply.status == 201); i++)
        rig_post(&rig, "/register", "", "", &reply);
    assert_int_equal(reply.status, 503);
    rig_expect(reply.head, "\r\nRetry-After: ");
    assert_string_equal(reply.body, "{\"error\": \"db_error\"}");
    rig_ask(&rig, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", &reply);
    assert_int_equal(reply.status, 200);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_stored_when_the_answer_comes),
        cmocka_unit_test(a_user_may_be_spelt_in_any_way_and_foreign_headers_do_not_matter),
        cmocka_unit_test(a_verified_credential_is_not_hashed_again),
        cmocka_unit_test(without_a_cache_each_update_is_hashed),
        cmocka_unit_test(a_stranger_cannot_tell_the_refusals_apart),
        cmocka_unit_test(what_is_wrong_is_told_in_order),
        cmocka_unit_test(allowfrom_sees_the_client_behind_a_trusted_proxy_only),
        cmocka_unit_test(a_store_that_is_full_is_503_and_the_server_lives_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

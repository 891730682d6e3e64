// SPDX-License-Identifier: MIT
// The list of errors: what clients are told, and that the list is sound in itself.
#include "err.h"

#include "expect.h"

#include <ctype.h>
#include <string.h>

enum {
    N_ERRORS = 0
#define ONE(name, status, word, text) +1
    ERR_LIST(ONE)
#undef ONE
};

static void ok_is_zero(void **)
{
    assert_int_equal(ERR_OK, 0);
    assert_int_equal(err_http_status(ERR_OK), 200);
}

// Clients compare these words.
static void clients_get_the_words_and_statuses_they_know(void **)
{
    static const struct {
        enum err err;
        unsigned status;
        const char *word;
    } rows[] = {
        {ERR_JSON, 400, "malformed_json_payload"},
        {ERR_CIDR, 400, "invalid_allowfrom_cidr"},
        {ERR_SUBDOMAIN, 400, "bad_subdomain"},
        {ERR_TXT, 400, "bad_txt"},
        {ERR_FORBIDDEN, 401, "forbidden"},
        {ERR_STORE, 500, "db_error"},
        {ERR_CORRUPT, 500, "db_error"},
        {ERR_FULL, 503, "db_error"},
        {ERR_NOT_FOUND, 404, "not_found"},
        {ERR_METHOD, 405, "method_not_allowed"},
        {ERR_TOO_LARGE, 413, "body_too_large"},
        {ERR_LIMITED, 429, "too_many_requests"},
        {ERR_BUSY, 503, "busy"},
        {ERR_MEMORY, 503, "out_of_memory"},
        {ERR_STOPPING, 503, "stopping"},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        assert_int_equal(err_http_status(rows[i].err), rows[i].status);
        assert_string_equal(err_word(rows[i].err), rows[i].word);
    }
}

static void every_error_has_a_status_a_word_and_a_text_of_its_own(void **)
{
    for (unsigned i = 0; i < N_ERRORS; i++) {
        unsigned status = err_http_status(i);
        assert_true(status == 200 || (status >= 400 && status < 600));
        assert_true(i == ERR_OK || status != 200);
        for (const char *c = err_word(i); *c != '\0'; c++)
            assert_true(islower((unsigned char)*c) || *c == '_');
        assert_true(strlen(err_word(i)) >= 2);
        assert_true(strlen(err_text(i)) >= 2);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(err_text(i), err_text(k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ok_is_zero),
        cmocka_unit_test(clients_get_the_words_and_statuses_they_know),
        cmocka_unit_test(every_error_has_a_status_a_word_and_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

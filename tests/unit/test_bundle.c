// SPDX-License-Identifier: MIT
// The text that holds certificate and key, as it is written and as it is found again.
#include "bundle.h"

#include "expect.h"

#define KEY "-----BEGIN EC PRIVATE KEY-----\nk\n-----END EC PRIVATE KEY-----\n"
#define CHAIN                                                                                                          \
    "-----BEGIN CERTIFICATE-----\na\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nb\n-----END "             \
    "CERTIFICATE-----\n"

static const char *const names[] = {"auth.example.org", "ns1.auth.example.org"};
static const struct conf_acme acme = {true, "https://ca.example/dir", {2, names}};

static void what_is_written_is_found_again(void **state)
{
    (void)state;
    uint8_t space[BUNDLE_MAX_BYTES];
    struct writer w = writer_of(space, sizeof space);
    struct bundle bundle;
    bundle_write(&w, &acme, bytes_of_text(KEY), bytes_of_text(CHAIN));
    assert_false(w.is_bad);
    assert_int_equal(bundle_parse(&bundle, (struct bytes){w.start, writer_used(&w)}), ERR_OK);
    assert_true(bytes_equal(bundle.key, bytes_of_text(KEY)));
    assert_true(bytes_equal(bundle.chain, bytes_of_text(CHAIN)));
    assert_true(bundle_is_for(&bundle, &acme));

    const struct conf_acme fewer = {true, acme.directory, {1, names}};
    const struct conf_acme elsewhere = {true, "https://ca.example/di", acme.names};
    assert_false(bundle_is_for(&bundle, &fewer));
    assert_false(bundle_is_for(&bundle, &elsewhere));
}

static void a_text_in_which_something_is_missing_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "nonsense",
        KEY CHAIN,
        "Directory: x\nNames: y\n",
        "Directory: x\nNames: y\n" KEY,
        "Directory: x\nNames: y\n" CHAIN,
        "Directory: x\nNames: y\n" CHAIN KEY,
        "Directory: x\n" KEY CHAIN,
        "Names: y\n" KEY CHAIN,
        "Names: \nDirectory: x\n" KEY CHAIN,
        KEY CHAIN "Directory: x\nNames: y\n",
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct bundle bundle = {0};
        assert_int_equal(bundle_parse(&bundle, bytes_of_text(rows[i])), ERR_SYNTAX);
        assert_null(bundle.key.at);
    }
}

static void one_that_does_not_fit_leaves_the_writer_bad(void **state)
{
    (void)state;
    uint8_t space[100];
    struct writer w = writer_of(space, sizeof space);
    bundle_write(&w, &acme, bytes_of_text(KEY), bytes_of_text(CHAIN));
    assert_true(w.is_bad);
}

static void an_estate_is_found_again_and_a_part_of_one_is_not(void **state)
{
    (void)state;
    uint8_t space[1000];
    const struct estate rows[] = {{bytes_of_text(KEY), bytes_of_text(CHAIN)}, {{0}, bytes_of_text(CHAIN)}, {{0}, {0}}};
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct writer w = writer_of(space, sizeof space);
        struct estate estate;
        estate_write(&w, &rows[i]);
        assert_int_equal(estate_parse(&estate, (struct bytes){w.start, writer_used(&w)}), ERR_OK);
        assert_true(bytes_equal(estate.account, rows[i].account));
        assert_true(bytes_equal(estate.bundle, rows[i].bundle));
    }
    static const char *const unsound[] = {"",
                                          "Account: ",
                                          "Account: 3",
                                          "Account: 3\nab",
                                          "Account: -1\n",
                                          "Account: x\n",
                                          "account: 0\n",
                                          "Account: 99999999999999\n"};
    for (size_t i = 0; i < N_OF(unsound); i++) {
        struct estate estate;
        assert_int_equal(estate_parse(&estate, bytes_of_text(unsound[i])), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_found_again),
        cmocka_unit_test(a_text_in_which_something_is_missing_is_refused),
        cmocka_unit_test(one_that_does_not_fit_leaves_the_writer_bad),
        cmocka_unit_test(an_estate_is_found_again_and_a_part_of_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

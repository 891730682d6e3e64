// SPDX-License-Identifier: MIT
// Which certificates and keys are taken, and what is said of the others.
#include "keypair.h"

#include "expect.h"
#include "forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct tempdir dir;
static const time_t NOW = 1800000000, LATER = 1800000000 + 86400;

static enum err load(const char *certificate, const char *key, struct keypair **pair, char why[KEYPAIR_WHY_MAX])
{
    char paths[2][TEMPDIR_PATH_MAX];
    const struct keypair_files files = {tempdir_join(&dir, certificate, paths[0]), tempdir_join(&dir, key, paths[1])};
    return keypair_load(pair, &files, NOW, why);
}

static void a_good_pair_tells_its_subject_and_expiry(void **state)
{
    (void)state;
    struct keypair *pair;
    char why[KEYPAIR_WHY_MAX];
    expect_ok(load("one.crt", "one.key", &pair, why));
    assert_string_equal(keypair_subject(pair), "CN=one");
    assert_int_equal(keypair_expires(pair), LATER);
    keypair_free(pair);
    expect_ok(load("three.crt", "three.key", &pair, why));
    assert_string_equal(keypair_subject(pair), "three");
    keypair_free(pair);
    keypair_free(NULL);
}

static void a_copy_outlives_its_pair(void **state)
{
    (void)state;
    struct keypair *pair;
    struct keypair_copy copy;
    char why[KEYPAIR_WHY_MAX];
    gnutls_datum_t signature;
    const gnutls_datum_t text = {(unsigned char *)"text", 4};
    expect_ok(load("chain.crt", "one.key", &pair, why));
    expect_ok(keypair_copy(pair, &copy));
    keypair_free(pair);
    assert_int_equal(copy.n_chain, 2);
    assert_int_equal(gnutls_privkey_sign_data(copy.key, GNUTLS_DIG_SHA256, 0, &text, &signature), 0);
    assert_int_equal(gnutls_pubkey_verify_data2(copy.chain[0].pubkey, GNUTLS_SIGN_ECDSA_SHA256, 0, &text, &signature),
                     0);
    gnutls_free(signature.data);
    for (unsigned i = 0; i < copy.n_chain; i++)
        gnutls_pcert_deinit(&copy.chain[i]);
    gnutls_free(copy.chain);
    gnutls_privkey_deinit(copy.key);
}

static const struct {
    const char *certificate;
    const char *key;
    const char *why;
} BAD[] = {
    {"one.crt", "open.key", "open.key: others can read or write it: chmod o-rwx"},
    {"one.crt", "two.key", "two.key: the key does not belong to the certificate"},
    {"old.crt", "old.key", "old.crt: the certificate has expired"},
    {"none.crt", "one.key", "none.crt: cannot be read"},
    {"one.crt", "none.key", "none.key: cannot be read"},
    {"half.crt", "one.key", "half.crt: "},
    {"half-chain.crt", "one.key", "half-chain.crt: "},
    {"one.crt", "half.key", "half.key: "},
    {"one.key", "one.key", "one.key: "},
    {"one.crt", "one.crt", "one.crt: "},
    {"both.pem", "one.key", "both.pem: holds something other than whole certificates"},
};

static void what_is_no_good_pair_is_refused_with_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(BAD); i++) {
        struct keypair *pair = NULL;
        char why[KEYPAIR_WHY_MAX] = "";
        expect_err(load(BAD[i].certificate, BAD[i].key, &pair, why), ERR_TLS);
        assert_null(pair);
        if (strstr(why, BAD[i].why) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", BAD[i].why, why);
    }
}

static void join(const char *first, const char *second, const char *to)
{
    char both[8192];
    size_t n_first, n_second;
    char *a = tempdir_read(&dir, first, &n_first), *b = tempdir_read(&dir, second, &n_second);
    assert_true(n_first + n_second < sizeof both);
    memcpy(both, a, n_first);
    memcpy(both + n_first, b, n_second);
    tempdir_write(&dir, to, both, n_first + n_second);
    free(a);
    free(b);
}

static int set_up(void **state)
{
    (void)state;
    tempdir_make(&dir);
    forge_pair(&dir, "one", LATER);
    forge_pair(&dir, "two", LATER);
    forge_pair(&dir, "old", NOW);
    forge_nameless_pair(&dir, "three", LATER);
    char path[TEMPDIR_PATH_MAX];
    forge_copy(&dir, "one.key", "open.key", 0);
    assert_int_equal(chmod(tempdir_join(&dir, "open.key", path), 0604), 0);
    forge_copy(&dir, "one.crt", "half.crt", 300);
    forge_copy(&dir, "one.key", "half.key", 100);
    join("one.crt", "two.crt", "chain.crt");
    join("one.crt", "half.crt", "half-chain.crt");
    join("one.crt", "one.key", "both.pem");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

static struct bytes read_all(const char *name, uint8_t *space, size_t n)
{
    char path[TEMPDIR_PATH_MAX];
    FILE *file = fopen(tempdir_join(&dir, name, path), "r");
    assert_non_null(file);
    size_t n_read = fread(space, 1, n, file);
    fclose(file);
    return (struct bytes){space, n_read};
}

static void texts_are_judged_as_files_are(void **state)
{
    (void)state;
    static uint8_t spaces[2][16384];
    char why[KEYPAIR_WHY_MAX];
    struct keypair *pair;
    struct keypair_text text = {"cache", read_all("chain.crt", spaces[0], sizeof spaces[0]),
                                read_all("one.key", spaces[1], sizeof spaces[1])};
    expect_ok(keypair_parse(&pair, &text, NOW, why));
    assert_int_equal(keypair_expires(pair), LATER);
    assert_true(keypair_begins(pair) < NOW);
    keypair_free(pair);
    assert_int_equal(keypair_parse(&pair, &text, LATER, why), ERR_TLS);
    assert_string_equal(why, "cache: the certificate has expired");
    text.key = read_all("two.key", spaces[1], sizeof spaces[1]);
    assert_int_equal(keypair_parse(&pair, &text, NOW, why), ERR_TLS);
    assert_string_equal(why, "cache: the key does not belong to the certificate");
    text.chain.n /= 2;
    assert_int_equal(keypair_parse(&pair, &text, NOW, why), ERR_TLS);
}

static void a_temporary_certificate_is_for_its_name_and_says_what_it_is(void **state)
{
    (void)state;
    struct keypair *pair;
    struct keypair_copy copy;
    gnutls_x509_crt_t certificate;
    expect_ok(keypair_make_temporary(&pair, "auth.example.org", NOW));
    assert_non_null(strstr(keypair_subject(pair), "temporary"));
    assert_true(keypair_begins(pair) < NOW && keypair_expires(pair) > NOW);
    expect_ok(keypair_copy(pair, &copy));
    keypair_free(pair);
    assert_int_equal(gnutls_pcert_export_x509(&copy.chain[0], &certificate), 0);
    assert_true(gnutls_x509_crt_check_hostname(certificate, "auth.example.org"));
    assert_false(gnutls_x509_crt_check_hostname(certificate, "example.org"));
    gnutls_x509_crt_deinit(certificate);
    gnutls_pcert_deinit(&copy.chain[0]);
    gnutls_free(copy.chain);
    gnutls_privkey_deinit(copy.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_pair_tells_its_subject_and_expiry),
        cmocka_unit_test(a_copy_outlives_its_pair),
        cmocka_unit_test(what_is_no_good_pair_is_refused_with_the_reason),
        cmocka_unit_test(texts_are_judged_as_files_are),
        cmocka_unit_test(a_temporary_certificate_is_for_its_name_and_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

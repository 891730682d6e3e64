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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_pair_tells_its_subject_and_expiry),
        cmocka_unit_test(a_copy_outlives_its_pair),
        cmocka_unit_test(what_is_no_good_pair_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

// SPDX-License-Identifier: MIT
// The cache of verified credentials.
#include "credential.h"

#include "expect.h"

static const char PASSWORD[] = "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7-";
static const char HASH[] = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

static struct credential make(struct uuid username)
{
    return (struct credential){username, bytes_of_text(PASSWORD), bytes_of_text(HASH)};
}

static void a_credential_is_known_once_it_was_remembered(void **state)
{
    (void)state;
    struct credential_cache *cache;
    expect_ok(credential_open(&cache, 1000));
    const struct credential credential = make(uuid_random());
    assert_false(credential_is_known(cache, &credential));
    credential_remember(cache, &credential);
    assert_true(credential_is_known(cache, &credential));
    credential_close(cache);
}

static void another_user_password_or_stored_hash_is_not_known(void **state)
{
    (void)state;
    struct credential_cache *cache;
    expect_ok(credential_open(&cache, 1000));
    const struct credential credential = make(uuid_random());
    credential_remember(cache, &credential);
    struct credential other = credential;
    other.username.at[15] ^= 1;
    assert_false(credential_is_known(cache, &other));
    other = credential;
    other.password.n--;
    assert_false(credential_is_known(cache, &other));
    other = credential;
    other.hash = bytes_of_text("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaB");
    assert_false(credential_is_known(cache, &other));
    other = credential; // the same bytes, cut elsewhere
    other.password = (struct bytes){0};
    assert_false(credential_is_known(cache, &other));
    credential_close(cache);
}

static void a_full_cache_forgets_the_oldest_and_knows_the_youngest(void **state)
{
    (void)state;
    struct credential_cache *cache;
    expect_ok(credential_open(&cache, 4)); // one set
    struct credential credentials[6];
    for (int i = 0; i < 6; i++) {
        credentials[i] = make(uuid_random());
        credential_remember(cache, &credentials[i]);
        credential_remember(cache, &credentials[i]); // takes no second place
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(credential_is_known(cache, &credentials[i]), i >= 2);
    credential_close(cache);
}

static void a_cache_of_the_configured_size_keeps_most_of_as_many(void **state)
{
    (void)state;
    enum { N = 4096 };
    static struct credential credentials[N];
    struct credential_cache *cache;
    int n_known = 0;
    expect_ok(credential_open(&cache, N));
    for (int i = 0; i < N; i++) {
        credentials[i] = make(uuid_random());
        credential_remember(cache, &credentials[i]);
    }
    for (int i = 0; i < N; i++)
        n_known += credential_is_known(cache, &credentials[i]);
    assert_in_range(n_known, N * 7 / 10, N);
    credential_close(cache);
}

static void a_cache_of_no_entries_knows_nothing(void **state)
{
    (void)state;
    struct credential_cache *cache;
    expect_ok(credential_open(&cache, 0));
    const struct credential credential = make(uuid_random());
    credential_remember(cache, &credential);
    assert_false(credential_is_known(cache, &credential));
    credential_close(cache);
    credential_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_known_once_it_was_remembered),
        cmocka_unit_test(another_user_password_or_stored_hash_is_not_known),
        cmocka_unit_test(a_full_cache_forgets_the_oldest_and_knows_the_youngest),
        cmocka_unit_test(a_cache_of_the_configured_size_keeps_most_of_as_many),
        cmocka_unit_test(a_cache_of_no_entries_knows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

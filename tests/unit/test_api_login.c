// SPDX-License-Identifier: MIT
// Credentials: what another process or replica has done to an account counts at once, hashes of acme-dns are good and
// are replaced, and hashes of no known form fit nothing.
#include "expect.h"
#include "rig.h"
#include "secret.h"
#include "writing.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gm"

// The account as it is; the bytes are freed by the caller.
static struct account read_account(const struct rig *rig, const char *username, uint8_t **bytes)
{
    struct store_reader *reader;
    struct account account, copy;
    struct uuid uuid;
    expect_ok(uuid_parse(bytes_of_text(username), &uuid));
    expect_ok(store_reader_open(&reader, rig->store));
    expect_ok(store_begin(reader));
    expect_ok(store_find_account(reader, &uuid, &account));
    expect_ok(account_copy(&account, &copy, bytes));
    store_end(reader);
    store_reader_close(reader);
    return copy;
}

static void register_with_hash(const struct rig *rig, struct rig_account *account, const char *hash)
{
    const struct uuid username = uuid_random(), subdomain = uuid_random();
    uuid_write(&username, account->username);
    uuid_write(&subdomain, account->subdomain);
    strcpy(account->password, KEY);
    struct change change = {
        .kind = CHANGE_REGISTER,
        .account = {.username = username, .subdomain = bytes_of_text(account->subdomain), .hash = bytes_of_text(hash)}};
    expect_ok(writing_submit(rig->store, &change));
}

static unsigned update(const struct rig *rig, const struct rig_account *account)
{
    struct reply reply;
    rig_update(rig, account, rig_update_body(account, RIG_TXT), &reply);
    return reply.status;
}

enum act { DISABLE, ROTATE, DELETE };

// As somebody else does it, while the credential is in the API's cache.
static void act_on(const struct rig *rig, const struct rig_account *account, enum act act)
{
    uint8_t *bytes;
    const struct account before = read_account(rig, account->username, &bytes);
    struct change change = {
        .kind = act == DELETE ? CHANGE_DELETE : CHANGE_ACCOUNT, .account = before, .before = &before};
    change.account.is_disabled = act == DISABLE;
    if (act == ROTATE)
        change.account.hash = bytes_of_text("$argon2id$of-another");
    expect_ok(writing_submit(rig->store, &change));
    free(bytes);
}

static void a_cached_credential_is_refused_once_the_account_is_not_what_it_was(void **)
{
    static const unsigned statuses[] = {[DISABLE] = 403, [ROTATE] = 401, [DELETE] = 401};
    struct rig rig;
    rig_open(&rig, "");
    for (enum act act = DISABLE; act <= DELETE; act++) {
        struct rig_account account;
        rig_register(&rig, "", &account);
        assert_int_equal(update(&rig, &account), 200);
        uint64_t n_hits = rig_count(&rig, COUNT_credential_hits);
        assert_int_equal(update(&rig, &account), 200);
        assert_int_equal(rig_count(&rig, COUNT_credential_hits), n_hits + 1);
        act_on(&rig, &account, act);
        assert_int_equal(update(&rig, &account), statuses[act]);
    }
    rig_close(&rig);
}

static void a_disabled_account_is_told_so_only_to_its_owner(void **)
{
    struct rig rig;
    struct reply reply;
    struct rig_account account;
    rig_open(&rig, "");
    rig_register(&rig, "", &account);
    act_on(&rig, &account, DISABLE);
    rig_update(&rig, &account, "nonsense", &reply);
    assert_int_equal(reply.status, 403);
    assert_string_equal(reply.body, "{\"error\": \"account_disabled\"}");
    account.password[0] ^= 1;
    rig_update(&rig, &account, rig_update_body(&account, RIG_TXT), &reply);
    assert_int_equal(reply.status, 401);
    assert_string_equal(reply.body, RIG_FORBIDDEN);
    rig_close(&rig);
}

static void a_hash_of_acme_dns_is_good_and_replaced_at_the_first_good_update(void **)
{
    struct rig rig;
    struct reply reply;
    struct rig_account account, stranger;
    static struct crypt_data space;
    uint8_t *bytes;
    rig_open(&rig, "");
    register_with_hash(&rig, &account, crypt_r(KEY, "$2a$04$abcdefghijklmnopqrstuu", &space));
    stranger = account;
    stranger.password[0] ^= 1;
    assert_int_equal(update(&rig, &stranger), 401);
    rig_update(&rig, &account, "{}", &reply); // it proves who it is, but nothing is updated
    assert_int_equal(reply.status, 400);
    struct account found = read_account(&rig, account.username, &bytes);
    assert_memory_equal(found.hash.at, "$2a$", 4);
    free(bytes);
    assert_int_equal(update(&rig, &account), 200);
    found = read_account(&rig, account.username, &bytes);
    assert_memory_equal(found.hash.at, "$argon2id$", 10);
    free(bytes);
    uint64_t n_hashes = rig_count(&rig, COUNT_hashes);
    assert_int_equal(update(&rig, &account), 200);
    assert_int_equal(rig_count(&rig, COUNT_hashes), n_hashes); // the new hash is known to fit
    assert_int_equal(update(&rig, &stranger), 401);
    rig_close(&rig);
}

static void a_hash_of_no_known_form_fits_nothing_and_is_told_once(void **)
{
    struct rig rig;
    struct rig_account account, another;
    size_t n;
    rig_open(&rig, "");
    register_with_hash(&rig, &account, "5f4dcc3b5aa765d61d8327deb882cf99");
    register_with_hash(&rig, &another, "");
    assert_int_equal(update(&rig, &account), 401);
    assert_int_equal(update(&rig, &account), 401);
    assert_int_equal(update(&rig, &another), 401);
    char *log = tempdir_read(&rig.dir, "log", &n);
    const char *told = strstr(log, " warn account.unknown_hash account=");
    assert_non_null(told);
    assert_null(strstr(told + 1, " warn account.unknown_hash"));
    free(log);
    assert_true(RIG_HAS_LOGGED(&rig, "info update.refused", "reason=stored_hash", account.username));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cached_credential_is_refused_once_the_account_is_not_what_it_was),
        cmocka_unit_test(a_disabled_account_is_told_so_only_to_its_owner),
        cmocka_unit_test(a_hash_of_acme_dns_is_good_and_replaced_at_the_first_good_update),
        cmocka_unit_test(a_hash_of_no_known_form_fits_nothing_and_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

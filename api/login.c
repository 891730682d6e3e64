// SPDX-License-Identifier: MIT
// Credentials are judged in an order that tells a stranger nothing: whether the account exists, whether the key is
// right and whether the network is allowed all end in the same answer, and all after one password check. An account
// that does not exist is checked against a hash that nobody has the password of, so it takes as long as one that does.
// Only who has proved to be the account's owner, from a place he may call from, learns that it is disabled, or what is
// wrong with his body.
//
// Whether the network is allowed is found out at the look-up, where the account's list is at hand, and told after the
// password.
//
// A credential that was verified lately and is cached goes straight on; otherwise the throttle is asked, which may say
// that there have been too many failures, and then the hasher checks it. The account is looked up each time, and its
// hash is part of what is cached: so what is disabled, deleted or has got another password, here, by another process or
// at another replica, is not let in. The account is read before the check and may be gone after it; then the store,
// which looks again, says so.
#include "login.h"

#include "auth.h"
#include "request.h"

static void refuse(struct request *request, enum err err, const char *reason)
{
    request_refuse(request, err, request->login.event, reason);
}

static void welcome(struct request *request)
{
    if (!request->is_network_allowed)
        refuse(request, ERR_FORBIDDEN, "network");
    else if (request->is_account_disabled)
        refuse(request, ERR_DISABLED, "disabled");
    else
        request->login.on_proved(request);
}

static struct credential credential_of(const struct request *request)
{
    return (struct credential){
        .username = request->username,
        .password = bytes_of_text(request->job.password),
        .hash = bytes_of_text(request->account_hash),
    };
}

// A hash of no known form fits no password. It is told once, loudly: it may be that of all accounts.
static enum err judge(struct request *request)
{
    struct service *service = request->service;
    if (request->job.result != ERR_CORRUPT)
        return request->job.result;
    if (!service->has_told_hash)
        log_write(service->log, LOG_WARN, "account.unknown_hash", LOG_STR("account", request->username_text));
    service->has_told_hash = true;
    return ERR_FORBIDDEN;
}

static void on_checked(void *arg)
{
    struct request *request = arg;
    enum err err = judge(request);
    bool is_known = request->is_account_known;
    bool is_out_of_order = err == ERR_MEMORY || err == ERR_STOPPING;
    // A right key that is used from elsewhere counts as a failure too.
    if (is_out_of_order || (err != ERR_FORBIDDEN && is_known && request->is_network_allowed))
        throttle_proved(&request->service->throttle, request->ip, &request->username);
    if (is_out_of_order) {
        refuse(request, err, err_word(err));
    } else if (!is_known) {
        refuse(request, ERR_FORBIDDEN, "unknown_account");
    } else if (err != ERR_OK) {
        refuse(request, err, request->job.result == ERR_CORRUPT ? "stored_hash" : "password");
    } else {
        const struct credential credential = credential_of(request);
        credential_remember(request->service->credentials, &credential);
        welcome(request);
    }
}

static enum err keep_account(struct request *request, const struct account *account)
{
    if (account->hash.n >= sizeof request->account_hash || account->subdomain.n > SUBDOMAIN_MAX)
        return ERR_CORRUPT;
    memcpy(request->account_hash, account->hash.at, account->hash.n);
    memcpy(request->account_subdomain, account->subdomain.at, account->subdomain.n);
    request->is_account_known = true;
    request->is_account_disabled = account->is_disabled;
    request->is_network_allowed = auth_allows(account->allowfrom, request->ip);
    return ERR_OK;
}

// Afterwards account_hash is what the password is to be checked against.
static enum err find_account(struct request *request)
{
    const struct service *service = request->service;
    struct account account;
    enum err err = store_begin(service->reader);
    if (err != ERR_OK)
        return err;
    err = store_find_account(service->reader, &request->username, &account);
    if (err == ERR_OK)
        err = keep_account(request, &account);
    store_end(service->reader);
    if (err != ERR_NOT_FOUND)
        return err;
    memcpy(request->account_hash, service->dummy_hash, sizeof request->account_hash);
    return ERR_OK;
}

// The credential is not known to be good.
static void check(struct request *request)
{
    struct throttle *throttle = &request->service->throttle;
    unsigned wait_s = throttle_attempt(throttle, request->ip, &request->username);
    if (wait_s > 0) {
        request_limit(request, wait_s, COUNT_auth_limited, request->login.event);
        return;
    }
    memcpy(request->job.hash, request->account_hash, sizeof request->job.hash);
    enum err err = request_hash(request, HASH_CHECK, on_checked);
    if (err == ERR_OK)
        return;
    throttle_proved(throttle, request->ip, &request->username);
    refuse(request, err, err_word(err));
}

static void refuse_misshapen(struct request *request)
{
    unsigned wait_s = throttle_attempt(&request->service->throttle, request->ip, NULL);
    if (wait_s > 0)
        request_limit(request, wait_s, COUNT_auth_limited, request->login.event);
    else
        refuse(request, ERR_FORBIDDEN, "credentials");
}

void login_start(struct request *request, const char *event, void (*on_proved)(struct request *request))
{
    struct service *service = request->service;
    const char *key = request_header(request, "X-Api-Key");
    request->login.event = event;
    request->login.on_proved = on_proved;
    if (auth_parse(request_header(request, "X-Api-User"), key, &request->username) != ERR_OK) {
        refuse_misshapen(request);
        return;
    }
    uuid_write(&request->username, request->username_text);
    memcpy(request->job.password, key, sizeof request->job.password);
    enum err err = find_account(request);
    if (err != ERR_OK) {
        refuse(request, err, err_word(err));
        return;
    }
    const struct credential credential = credential_of(request);
    bool is_known = credential_is_known(service->credentials, &credential);
    if (!is_known || !request->is_account_known || !request->is_network_allowed) {
        check(request);
        return;
    }
    count(&service->counters, COUNT_credential_hits);
    welcome(request);
}

// SPDX-License-Identifier: MIT
// An update is judged in an order that tells a stranger nothing: whether the account exists, whether the key is right
// and whether the network is allowed all end in the same answer, and all after one password check. An account that does
// not exist is checked against a hash that nobody has the password of, so it takes as long as one that does. Only who
// has proved to be the account's owner, from a place he may call from, learns what is wrong with his body.
//
// Whether the network is allowed is found out at the look-up, where the account's list is at hand, and told after the
// password.
//
// A credential that was verified lately and is cached goes straight on; otherwise the throttle is asked, which may say
// that there have been too many failures, and then the hasher checks it. The account is read before the check and may
// be gone after it; then the store, which looks again, says so.
#include "update.h"

#include "auth.h"
#include "request.h"

#include <stdio.h>

static void refuse(struct request *request, enum err err, const char *reason)
{
    request_refuse(request, err, "update.refused", reason);
}

static void on_updated(void *arg)
{
    struct request *request = arg;
    struct service *service = request->service;
    enum err err = request->change.result;
    if (err == ERR_NOT_FOUND) {
        refuse(request, ERR_FORBIDDEN, "unknown_account");
        return;
    }
    if (err != ERR_OK) {
        refuse(request, err, err_word(err));
        return;
    }
    count(&service->counters, COUNT_updates);
    log_write(service->log, LOG_INFO, "update.done", LOG_STR("account", request->username_text),
              LOG_STR("subdomain", request->subdomain), LOG_STR("ip", request->ip_text));
    char txt[BODY_TXT_CHARS + 1];
    snprintf(txt, sizeof txt, "%.*s", BODY_TXT_CHARS, (const char *)request->rdata + 1);
    request_audit(request, ERR_OK, NULL, txt);
    snprintf(request->words, sizeof request->words, "{\"txt\": \"%s\"}", txt);
    request_answer(request, MHD_HTTP_OK, request->words);
}

// The value as TXT rdata: one character-string (RFC 1035 3.3.14).
static void submit(struct request *request, const char *txt)
{
    request->rdata[0] = BODY_TXT_CHARS;
    memcpy(request->rdata + 1, txt, BODY_TXT_CHARS);
    request->change.kind = CHANGE_UPDATE;
    request->change.account =
        (struct account){.username = request->username, .subdomain = bytes_of_text(request->account_subdomain)};
    request->change.rdata = (struct bytes){request->rdata, sizeof request->rdata};
    request_change(request, on_updated);
}

// The credential is good.
static void judge_body(struct request *request)
{
    struct body_update body;
    struct body_update_result result;
    if (!request->is_network_allowed) {
        refuse(request, ERR_FORBIDDEN, "network");
        return;
    }
    enum err err = body_parse_update(request_body(request), &body, &result);
    if (err == ERR_OK)
        err = result.subdomain;
    if (err != ERR_OK) {
        refuse(request, err, err_word(err));
        return;
    }
    memcpy(request->subdomain, body.subdomain, sizeof request->subdomain);
    if (strcmp(request->subdomain, request->account_subdomain) != 0)
        refuse(request, ERR_FORBIDDEN, "subdomain");
    else if (result.txt != ERR_OK)
        refuse(request, result.txt, err_word(result.txt));
    else
        submit(request, body.txt);
}

static struct credential credential_of(const struct request *request)
{
    return (struct credential){
        .username = request->username,
        .password = bytes_of_text(request->job.password),
        .hash = bytes_of_text(request->job.hash),
    };
}

// A right key that is used from elsewhere counts as a failure too.
static bool was_failure(const struct request *request)
{
    return request->job.result == ERR_FORBIDDEN || !request->is_account_known || !request->is_network_allowed;
}

static void on_checked(void *arg)
{
    struct request *request = arg;
    enum err err = request->job.result;
    if (err == ERR_MEMORY || err == ERR_STOPPING || !was_failure(request))
        throttle_proved(&request->service->throttle, request->ip, &request->username);
    if (err == ERR_MEMORY || err == ERR_STOPPING) {
        refuse(request, err, err_word(err));
    } else if (!request->is_account_known) {
        refuse(request, ERR_FORBIDDEN, "unknown_account");
    } else if (err != ERR_OK) {
        refuse(request, err, err == ERR_FORBIDDEN ? "password" : "stored_hash");
    } else {
        const struct credential credential = credential_of(request);
        credential_remember(request->service->credentials, &credential);
        judge_body(request);
    }
}

static enum err keep_account(struct request *request, const struct account *account)
{
    if (account->hash.n >= sizeof request->job.hash || account->subdomain.n > SUBDOMAIN_MAX)
        return ERR_CORRUPT;
    memcpy(request->job.hash, account->hash.at, account->hash.n);
    memcpy(request->account_subdomain, account->subdomain.at, account->subdomain.n);
    request->is_account_known = true;
    request->is_network_allowed = auth_allows(account->allowfrom, request->ip);
    return ERR_OK;
}

// Afterwards request->job.hash is what the password is to be checked against.
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
    memcpy(request->job.hash, service->dummy_hash, sizeof request->job.hash);
    return ERR_OK;
}

// The credential is not known to be good.
static void check(struct request *request)
{
    struct throttle *throttle = &request->service->throttle;
    unsigned wait_s = throttle_attempt(throttle, request->ip, &request->username);
    if (wait_s > 0) {
        request_limit(request, wait_s, COUNT_auth_limited, "update.refused");
        return;
    }
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
        request_limit(request, wait_s, COUNT_auth_limited, "update.refused");
    else
        refuse(request, ERR_FORBIDDEN, "credentials");
}

void update_on_request(struct request *request)
{
    struct service *service = request->service;
    const char *key = request_header(request, "X-Api-Key");
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
    judge_body(request);
}

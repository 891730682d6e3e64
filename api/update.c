// SPDX-License-Identifier: MIT
// First login.c lets the account in, then its body is judged, and then the store has it.
//
// A hash that came from acme-dns is replaced by one of ours at the first update that is otherwise good: then the
// password is at hand. The store writes it together with the value, unless the account has got yet another meanwhile.
// When there is no time for a hash, it stays for the next update.
#include "update.h"

#include "login.h"
#include "name.h"
#include "request.h"

#include <stdio.h>

static void refuse(struct request *request, enum err err, const char *reason)
{
    request_refuse(request, err, "update.refused", reason);
}

static void remember_new_hash(struct request *request)
{
    const struct credential credential = {
        .username = request->username,
        .password = bytes_of_text(request->job.password),
        .hash = request->change.new_hash,
    };
    credential_remember(request->service->credentials, &credential);
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
    if (request->change.new_hash.n > 0)
        remember_new_hash(request);
    count(&service->counters, COUNT_updates);
    log_write(service->log, LOG_INFO, "update.done", LOG_STR("account", request->username_text),
              LOG_STR("subdomain", request->account_subdomain), LOG_STR("ip", request->ip_text));
    char txt[BODY_TXT_CHARS + 1];
    snprintf(txt, sizeof txt, "%.*s", BODY_TXT_CHARS, (const char *)request->rdata + 1);
    request_audit(request, ERR_OK, NULL, txt);
    snprintf(request->words, sizeof request->words, "{\"txt\": \"%s\"}", txt);
    request_answer(request, MHD_HTTP_OK, request->words);
}

static void submit(struct request *request)
{
    request->change.kind = CHANGE_UPDATE;
    request->change.account = (struct account){.username = request->username,
                                               .subdomain = bytes_of_text(request->account_subdomain),
                                               .hash = bytes_of_text(request->account_hash)};
    request->change.rdata = (struct bytes){request->rdata, sizeof request->rdata};
    request_change(request, on_updated);
}

static void on_hashed(void *arg)
{
    struct request *request = arg;
    if (request->job.result == ERR_OK)
        request->change.new_hash = bytes_of_text(request->job.hash);
    submit(request);
}

// The value as TXT rdata: one character-string (RFC 1035 3.3.14).
static void take(struct request *request, const char *txt)
{
    request->rdata[0] = BODY_TXT_CHARS;
    memcpy(request->rdata + 1, txt, BODY_TXT_CHARS);
    if (request->service->conf->api_keep_bcrypt || !secret_is_foreign(request->account_hash) ||
        request_hash(request, HASH_MAKE, on_hashed) != ERR_OK)
        submit(request);
}

// Letters fold case.
static bool is_own(const struct request *request, const char *subdomain)
{
    size_t n = strlen(subdomain);
    if (n != strlen(request->account_subdomain))
        return false;
    for (size_t i = 0; i < n; i++)
        if (name_fold((uint8_t)subdomain[i]) != (uint8_t)request->account_subdomain[i])
            return false;
    return true;
}

static void judge_body(struct request *request)
{
    struct body_update body;
    struct body_update_result result;
    enum err err = body_parse_update(request_body(request), &body, &result);
    if (err != ERR_OK) {
        refuse(request, err, err_word(err));
        return;
    }
    if (is_own(request, body.any_subdomain)) {
        memcpy(request->subdomain, request->account_subdomain, sizeof request->subdomain);
        err = result.txt;
    } else if (result.subdomain == ERR_OK) {
        memcpy(request->subdomain, body.subdomain, sizeof body.subdomain);
        err = ERR_FORBIDDEN;
    } else {
        err = result.subdomain; // what it is instead may be a secret, and is not logged
    }
    if (err != ERR_OK)
        refuse(request, err, err == ERR_FORBIDDEN ? "subdomain" : err_word(err));
    else
        take(request, body.txt);
}

void update_on_request(struct request *request)
{
    login_start(request, "update.refused", judge_body);
}

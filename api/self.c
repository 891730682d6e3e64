// SPDX-License-Identifier: MIT
// All of it begins with login.c. What changes something is one change to the store, which looks again at what it
// changes: of two rotations at once, one gets the new password through, the other is told of the conflict.
#include "self.h"

#include "login.h"
#include "request.h"

#include <stdio.h>

enum { FULLDOMAIN_MAX = 320 };

// The change is durable, or it is answered why not: false. `event` is logged either way.
static bool is_done(struct request *request, const char *done, const char *refused)
{
    enum err err = request->change.result;
    memcpy(request->subdomain, request->account_subdomain, sizeof request->subdomain);
    if (err == ERR_NOT_FOUND) { // meanwhile
        request_refuse(request, ERR_FORBIDDEN, refused, "unknown_account");
    } else if (err != ERR_OK) {
        request_refuse(request, err, refused, err_word(err));
    } else {
        log_write(request->service->log, LOG_INFO, done, LOG_STR("account", request->username_text),
                  LOG_STR("subdomain", request->subdomain), LOG_STR("ip", request->ip_text));
        request_audit(request, ERR_OK, NULL, NULL);
    }
    return err == ERR_OK;
}

static struct account own_names(const struct request *request)
{
    return (struct account){.username = request->username, .subdomain = bytes_of_text(request->account_subdomain)};
}

// -- GET /account

static void show(struct request *request)
{
    const struct service *service = request->service;
    struct account account;
    struct txt txt;
    enum err err = store_begin(service->reader);
    if (err == ERR_OK) {
        err = store_find_account(service->reader, &request->username, &account);
        if (err == ERR_OK)
            err = store_find_txt(service->reader, account.subdomain, &txt);
        if (err == ERR_OK)
            request->owned_text =
                body_write_details(&(struct body_details){&account, &txt, service->conf->general_domain.at[0]});
        store_end(service->reader);
    }
    if (err == ERR_OK && request->owned_text == NULL)
        err = ERR_MEMORY;
    if (err != ERR_OK)
        request_refuse(request, err == ERR_NOT_FOUND ? ERR_FORBIDDEN : err, "account.refused", err_word(err));
    else
        request_answer(request, MHD_HTTP_OK, request->owned_text);
}

void self_on_show(struct request *request)
{
    login_start(request, "account.refused", show);
}

// -- DELETE /account

static void on_deleted(void *arg)
{
    struct request *request = arg;
    if (is_done(request, "account.deleted", "account.refused"))
        request_answer(request, MHD_HTTP_NO_CONTENT, "");
}

static void drop(struct request *request)
{
    request->change.kind = CHANGE_DELETE;
    request->change.account = own_names(request);
    request_change(request, on_deleted);
}

void self_on_delete(struct request *request)
{
    login_start(request, "account.refused", drop);
}

// -- POST /clear

static void on_cleared(void *arg)
{
    struct request *request = arg;
    if (is_done(request, "clear.done", "clear.refused"))
        request_answer(request, MHD_HTTP_NO_CONTENT, "");
}

static void clear(struct request *request)
{
    request->change.kind = CHANGE_CLEAR;
    request->change.account = own_names(request);
    request_change(request, on_cleared);
}

void self_on_clear(struct request *request)
{
    login_start(request, "clear.refused", clear);
}

// -- POST /account/rotate

static void on_rotated(void *arg)
{
    struct request *request = arg;
    char fulldomain[FULLDOMAIN_MAX];
    if (!is_done(request, "account.rotated", "account.refused"))
        return;
    snprintf(fulldomain, sizeof fulldomain, "%s.%s", request->account_subdomain,
             request->service->conf->general_domain.at[0]);
    const struct body_account account = {
        .username = request->username_text,
        .password = request->job.password,
        .fulldomain = fulldomain,
        .subdomain = request->account_subdomain,
        .allowfrom = request->before.allowfrom,
    };
    request->owned_text = body_write_account(&account);
    if (request->owned_text == NULL)
        request_refuse(request, ERR_MEMORY, "account.refused", "memory");
    else
        request_answer(request, MHD_HTTP_OK, request->owned_text);
}

static void on_hashed(void *arg)
{
    struct request *request = arg;
    enum err err = request->job.result;
    if (err != ERR_OK) {
        request_refuse(request, err, "account.refused", err_word(err));
        return;
    }
    request->change.kind = CHANGE_ACCOUNT;
    request->change.before = &request->before;
    request->change.account = request->before;
    request->change.account.hash = bytes_of_text(request->job.hash);
    request_change(request, on_rotated);
}

static enum err keep_before(struct request *request)
{
    const struct service *service = request->service;
    struct account account;
    enum err err = store_begin(service->reader);
    if (err != ERR_OK)
        return err;
    err = store_find_account(service->reader, &request->username, &account);
    if (err == ERR_OK)
        err = account_copy(&account, &request->before, &request->before_bytes);
    store_end(service->reader);
    return err == ERR_NOT_FOUND ? ERR_FORBIDDEN : err;
}

static void rotate(struct request *request)
{
    enum err err = keep_before(request);
    if (err == ERR_OK) {
        secret_password(request->job.password);
        err = request_hash(request, HASH_MAKE, on_hashed);
    }
    if (err != ERR_OK)
        request_refuse(request, err, "account.refused", err_word(err));
}

void self_on_rotate(struct request *request)
{
    login_start(request, "account.refused", rotate);
}

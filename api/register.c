// SPDX-License-Identifier: MIT
// Who may register is decided first: by network, then by token; both refusals look alike. Then the body, then a random
// name, subdomain and password. A subdomain of his own choice, and a note, are for who has shown a token: names are
// few, and nobody else should take them. Where no tokens are configured the two mean nothing, as to acme-dns. The hash
// of the password is made by the hasher, and only when the account is durable does the client learn the password, which
// is kept nowhere else.
#include "register.h"

#include "auth.h"
#include "peer.h"
#include "request.h"

#include <stdio.h>
#include <time.h>

enum { FULLDOMAIN_MAX = 320 };

static void refuse(struct request *request, enum err err, const char *reason)
{
    request_refuse(request, err, "register.refused", reason);
}

static void on_registered(void *arg)
{
    struct request *request = arg;
    const struct service *service = request->service;
    char fulldomain[FULLDOMAIN_MAX];
    if (request->change.result != ERR_OK) {
        refuse(request, request->change.result, err_word(request->change.result));
        return;
    }
    snprintf(fulldomain, sizeof fulldomain, "%s.%s", request->subdomain, service->conf->general_domain.at[0]);
    const struct body_account account = {
        .username = request->username_text,
        .password = request->job.password,
        .fulldomain = fulldomain,
        .subdomain = request->subdomain,
        .allowfrom = request->change.account.allowfrom,
    };
    request->owned_text = body_write_account(&account);
    if (request->owned_text == NULL) {
        refuse(request, ERR_MEMORY, "memory");
        return;
    }
    count(&request->service->counters, COUNT_registrations);
    log_write(service->log, LOG_INFO, "register.done", LOG_STR("account", request->username_text),
              LOG_STR("subdomain", request->subdomain), LOG_STR("ip", request->ip_text),
              LOG_STR("token", request->token_name));
    request_audit(request, ERR_OK, NULL, NULL);
    request_answer(request, MHD_HTTP_CREATED, request->owned_text);
}

static void on_hashed(void *arg)
{
    struct request *request = arg;
    if (request->job.result != ERR_OK) {
        refuse(request, request->job.result, err_word(request->job.result));
        return;
    }
    request->change.kind = CHANGE_REGISTER;
    request->change.account = (struct account){
        .username = request->username,
        .subdomain = bytes_of_text(request->subdomain),
        .hash = bytes_of_text(request->job.hash),
        .allowfrom = {request->registration.allowfrom, request->registration.n_allowfrom},
        .note = bytes_of_text(request->registration.note),
        .created_s = (uint64_t)time(NULL),
    };
    request_change(request, on_registered);
}

// Whether what the client wishes can be had, as far as that is known without the store's writer.
static enum err check_wishes(const struct request *request)
{
    const struct service *service = request->service;
    const struct body_register *wanted = &request->registration;
    struct txt txt;
    if (wanted->subdomain[0] == '\0')
        return ERR_OK;
    struct bytes label = bytes_of_text(wanted->subdomain);
    if (service->is_reserved != NULL && service->is_reserved(service->reserved_context, label))
        return ERR_RESERVED;
    enum err err = store_begin(service->reader);
    if (err != ERR_OK)
        return err;
    err = store_find_txt(service->reader, label, &txt);
    store_end(service->reader);
    return err == ERR_OK ? ERR_EXISTS : err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void make_account(struct request *request)
{
    struct uuid subdomain = uuid_random();
    request->username = uuid_random();
    uuid_write(&request->username, request->username_text);
    uuid_write(&subdomain, request->subdomain);
    if (request->registration.subdomain[0] != '\0')
        memcpy(request->subdomain, request->registration.subdomain, sizeof request->subdomain);
    secret_password(request->job.password);
    enum err err = request_hash(request, HASH_MAKE, on_hashed);
    if (err != ERR_OK)
        refuse(request, err, err_word(err));
}

void register_on_request(struct request *request)
{
    const struct conf *conf = request->service->conf;
    if (conf->api_registration_allowfrom.n > 0 && !peer_is_in(&conf->api_registration_allowfrom, request->ip)) {
        refuse(request, ERR_FORBIDDEN, "network");
        return;
    }
    if (conf->api_registration_tokens.n > 0) {
        unsigned wait_s = throttle_attempt(&request->service->throttle, request->ip, NULL);
        if (wait_s > 0) {
            request_limit(request, wait_s, COUNT_auth_limited, "register.refused");
            return;
        }
        const struct token *token = auth_find_token(&conf->api_registration_tokens,
                                                    request_header(request, "Authorization"), request->match.prefix);
        if (token == NULL) {
            refuse(request, ERR_FORBIDDEN, "token");
            return;
        }
        throttle_proved(&request->service->throttle, request->ip, NULL);
        request->token_name = token->name;
    }
    enum err err = (request->token_name == NULL ? body_parse_register : body_parse_wishes)(request_body(request),
                                                                                           &request->registration);
    if (err == ERR_OK)
        err = check_wishes(request);
    if (err != ERR_OK)
        refuse(request, err, err_word(err));
    else
        make_account(request);
}

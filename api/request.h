// SPDX-License-Identifier: MIT
// request: one HTTP request, from its headers to the last byte of its answer. On the loop's thread.
//
// The law of its life: it is made in libmicrohttpd's first call of request_on_access and freed in request_on_completed,
// and it has one owner at a time. Usually that is its connection. When a handler hands the request's `job` to the
// hasher or its `change` to the store, the owner is that thread, until the letter comes back through the inbox. For
// just as long the connection is suspended, and libmicrohttpd neither reads from, times out nor closes a suspended
// connection: so a client that goes away meanwhile is noticed only after the letter has come and the connection was
// resumed, when the answer can no longer be sent. Nobody ever finds the request freed under his hands, and no answer is
// ever owed to nobody. At the end every suspended connection must be resumed before its daemon is stopped (listener.h).
#pragma once

#include "body.h"
#include "route.h"
#include "service.h"

#include <microhttpd.h>

// Changed by one function, in this order; REQUEST_WAITING may be left out.
enum request_state {
    REQUEST_RECEIVING, // the body comes in
    REQUEST_RUNNING,   // the handler runs
    REQUEST_WAITING,   // suspended; a job or a change is with another thread
    REQUEST_ANSWERED,  // the answer is fixed
};

struct request {
    enum request_state state;
    struct service *service;
    struct MHD_Connection *connection;

    enum err verdict; // of all that comes before the handler: route, size of the body
    struct route_match match;
    struct ip ip; // the client's
    char ip_text[IP_TEXT_MAX];

    uint8_t *body;
    size_t n_body; // bytes received; beyond body_max_bytes only counted
    size_t n_body_space;

    // The answer. `text` points to `words` or `owned_text`, or is an empty literal.
    unsigned status;
    const char *text;
    uint64_t began_ns;      // when it was there as a whole; 0: it never was
    unsigned retry_after_s; // of a 429
    char words[80];
    char *owned_text; // freed with the request

    // For the log; empty when not known.
    char username_text[UUID_TEXT_SIZE];
    char subdomain[SUBDOMAIN_MAX + 1];
    const char *token_name;

    // What the handlers work with.
    struct uuid username;
    struct hash_job job;
    struct change change;
    struct letter change_letter;
    uint8_t rdata[1 + BODY_TXT_CHARS];
    struct body_register registration;

    // login.c: what it was started with, and the account as it was found.
    struct {
        const char *event;
        void (*on_proved)(struct request *request);
    } login;
    char account_subdomain[SUBDOMAIN_MAX + 1];
    char account_hash[SECRET_HASH_MAX];
    bool is_account_known;
    bool is_account_disabled;
    bool is_network_allowed;

    struct account before; // account.c: with bytes of its own, freed with the request
    uint8_t *before_bytes;
};

// The access handler of libmicrohttpd; `service` is its argument, `*slot` the request.
enum MHD_Result request_on_access(void *service, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n_data, void **slot);
void request_on_completed(void *service, struct MHD_Connection *connection, void **slot,
                          enum MHD_RequestTerminationCode code);

// A header's value, or a null pointer. Valid as long as the request.
const char *request_header(const struct request *request, const char *name);

struct bytes request_body(const struct request *request);

// A handler ends in one of these: at once, or after it has submitted something, when that has come back.
//
// `text` is JSON, or empty for no body; it is a literal or part of the request.
void request_answer(struct request *request, unsigned status, const char *text);

// Answers with the error's status and word, and logs `event` with the reason, in the audit log too; a null `event`:
// only at debug level, as request.refused.
void request_refuse(struct request *request, enum err err, const char *event, const char *reason);

// Refuses with ERR_LIMITED, counted as `counter`; the client is to wait for `wait_s`.
void request_limit(struct request *request, unsigned wait_s, enum counter counter, const char *event);

// Notes in the audit log what has come of the request; refusals with an event have been noted by request_refuse.
// `value` is the TXT value, or a null pointer.
void request_audit(const struct request *request, enum err result, const char *reason, const char *value);

// Hands request->job to the hasher; `on_hashed` gets the request back. ERR_BUSY or ERR_STOPPING: it does not.
enum err request_hash(struct request *request, enum hash_kind kind, void (*on_hashed)(void *request));

// Hands request->change, filled in but for its plumbing, to the store; `on_changed` gets the request back.
void request_change(struct request *request, void (*on_changed)(void *request));

// SPDX-License-Identifier: MIT
// service: what all requests share. Lives as long as the API; used on the loop's thread only.
#pragma once

#include "api.h"
#include "credential.h"
#include "hasher.h"
#include "inbox.h"
#include "throttle.h"
#include "traffic.h"

struct service {
    struct counters counters;
    struct traffic traffic;
    const struct conf *conf;
    struct log *log;
    struct audit *audit;
    struct store *store;
    struct store_reader *reader;
    struct inbox *inbox;
    struct hasher *hasher;
    struct credential_cache *credentials;
    struct throttle throttle;
    char dummy_hash[SECRET_HASH_MAX]; // checked for unknown accounts, so that they take as long as known ones
    size_t (*ready)(void *context, struct api_check *checks, size_t max);
    void *ready_context;
    bool (*is_reserved)(void *context, struct bytes label);
    void *reserved_context;
    bool has_tls;
    bool has_told_hash; // that there is a stored hash of no known form
    bool is_stopping;   // connections are closed after their answer
    size_t n_requests;  // between the first call of request_on_access and request_on_completed
    size_t n_waiting;   // of them, those in REQUEST_WAITING
};

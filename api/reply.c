// SPDX-License-Identifier: MIT
// The body is not copied: it is part of the request, which outlives the response because libmicrohttpd reads no more of
// the body when it calls request_on_completed.
//
// Answers that say "later" carry Retry-After, those that say "not like that" carry Allow. CORS headers go to origins
// that may call; a preflight (OPTIONS) is answered the same way and, for everybody else, tells only what is allowed
// here. HSTS is for https alone (RFC 6797 7.2).
#include "reply.h"

#include "cors.h"

#include <inttypes.h>
#include <stdio.h>

enum { HSTS_MAX = 80, RETRY_AFTER_S = 1 };

// Collects headers; the first failure sticks.
struct headers {
    struct MHD_Response *response;
    bool is_bad;
};

static void add(struct headers *headers, const char *name, const char *value)
{
    if (MHD_add_response_header(headers->response, name, value) != MHD_YES)
        headers->is_bad = true;
}

static void add_cors(struct headers *headers, const struct request *request)
{
    const struct texts *patterns = &request->service->conf->api_corsorigins;
    if (patterns->n == 0)
        return;
    const char *origin = cors_find(patterns, request_header(request, "Origin"));
    if (cors_varies(patterns))
        add(headers, "Vary", "Origin");
    if (origin == NULL)
        return;
    add(headers, "Access-Control-Allow-Origin", origin);
    if (!request->match.is_options)
        return;
    add(headers, "Access-Control-Allow-Methods", request->match.route->methods);
    add(headers, "Access-Control-Allow-Headers", CORS_ALLOW_HEADERS);
    add(headers, "Access-Control-Max-Age", CORS_MAX_AGE);
}

static void add_hsts(struct headers *headers, const struct service *service)
{
    const struct conf *conf = service->conf;
    char text[HSTS_MAX];
    if (!conf->api_hsts_enabled || !service->has_tls)
        return;
    snprintf(text, sizeof text, "max-age=%" PRId64 "%s%s", conf->api_hsts_max_age,
             conf->api_hsts_include_subdomains ? "; includeSubDomains" : "", conf->api_hsts_preload ? "; preload" : "");
    add(headers, "Strict-Transport-Security", text);
}

static void add_retry(struct headers *headers, const struct request *request)
{
    char text[16];
    snprintf(text, sizeof text, "%u", request->retry_after_s > 0 ? request->retry_after_s : RETRY_AFTER_S);
    add(headers, "Retry-After", text);
}

static void add_all(struct headers *headers, const struct request *request)
{
    if (request->text[0] != '\0')
        add(headers, "Content-Type", "application/json");
    if (request->status == MHD_HTTP_METHOD_NOT_ALLOWED || request->match.is_options)
        add(headers, "Allow", request->match.route->methods);
    if (request->status == MHD_HTTP_SERVICE_UNAVAILABLE || request->status == MHD_HTTP_TOO_MANY_REQUESTS)
        add_retry(headers, request);
    if (request->service->is_stopping)
        add(headers, "Connection", "close");
    add_cors(headers, request);
    add_hsts(headers, request->service);
}

enum MHD_Result reply_queue(const struct request *request)
{
    struct headers headers = {0};
    headers.response = MHD_create_response_from_buffer(strlen(request->text), (void *)(uintptr_t)request->text,
                                                       MHD_RESPMEM_PERSISTENT);
    if (headers.response == NULL)
        return MHD_NO;
    add_all(&headers, request);
    enum MHD_Result result = MHD_NO;
    if (!headers.is_bad)
        result = MHD_queue_response(request->connection, request->status, headers.response);
    MHD_destroy_response(headers.response);
    return result;
}

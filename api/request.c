// SPDX-License-Identifier: MIT
// libmicrohttpd calls request_on_access once with the headers, once for each piece of the body, and once when all is
// there. The handler runs in that last call. If it has not fixed an answer by then, it has given work to another
// thread: the connection is suspended, and when the answer is there, resumed, whereupon libmicrohttpd makes the last
// call again and the answer is queued. What comes back through the inbox is opened on this same thread, later, so
// suspending after the handler has returned cannot be too late.
//
// Answers wait for the body even when they do not need it, because one sent earlier makes libmicrohttpd close the
// connection, and a client that is still sending may then lose the answer. So a body that is too long is read to its
// end, but not kept; only one much too long, or one the client asks for leave to send (Expect: 100-continue), is
// refused at once.
#include "request.h"

#include "caller.h"
#include "peer.h"
#include "reply.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum {
    HEADER_INSTANCES_MAX = 32,
    BODY_SPACE_BYTES = 512,         // to begin with
    DISCARD_MAX_BYTES = 1024 * 1024 // of a body beyond body_max_bytes
};

static void set_state(struct request *request, enum request_state state)
{
    assert(state > request->state);
    if (request->state == REQUEST_WAITING)
        request->service->n_waiting--;
    if (state == REQUEST_WAITING)
        request->service->n_waiting++;
    request->state = state;
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct bytes request_body(const struct request *request)
{
    return (struct bytes){request->body, request->n_body};
}

// --- Who asks ---

struct instances {
    const char *name;
    struct bytes at[HEADER_INSTANCES_MAX];
    size_t n; // may be more than fit
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct instances *instances = context;
    if (value != NULL && strcasecmp(name, instances->name) == 0) {
        if (instances->n < HEADER_INSTANCES_MAX)
            instances->at[instances->n] = bytes_of_text(value);
        instances->n++;
    }
    return MHD_YES;
}

static void find_client(struct request *request)
{
    const struct conf *conf = request->service->conf;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || ip_of_sockaddr(info->client_addr, &request->ip) != ERR_OK)
        request->ip = (struct ip){0};
    if (conf->api_use_header) {
        struct instances instances = {.name = conf->api_header_name};
        MHD_get_connection_values(request->connection, MHD_HEADER_KIND, on_header, &instances);
        if (instances.n <= HEADER_INSTANCES_MAX)
            request->ip = peer_find(&conf->api_trusted_proxies, request->ip, instances.at, instances.n);
    }
    ip_write(request->ip, request->ip_text);
}

// --- Answers ---

void request_answer(struct request *request, unsigned status, const char *text)
{
    struct service *service = request->service;
    bool is_suspended = request->state == REQUEST_WAITING;
    request->status = status;
    request->text = text;
    set_state(request, REQUEST_ANSWERED);
    traffic_note(&service->traffic.routes[route_number(request->match.route)], status,
                 request->began_ns == 0 ? 0 : uv_hrtime() - request->began_ns);
    count(&service->counters, COUNT_http_requests);
    if (status >= 400)
        count(&service->counters, COUNT_http_errors);
    if (status == MHD_HTTP_UNAUTHORIZED)
        count(&service->counters, COUNT_auth_refused);
    if (is_suspended)
        MHD_resume_connection(request->connection);
}

static const char *or_none(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

void request_audit(const struct request *request, enum err result, const char *reason, const char *value)
{
    const struct audit_act act = {
        .act = request->match.route->name,
        .result = result,
        .reason = reason,
        .actor = "client",
        .account = request->username_text,
        .subdomain = request->subdomain,
        .value = value,
        .ip = request->ip_text,
        .token = request->token_name,
    };
    audit_note(request->service->audit, &act);
}

void request_refuse(struct request *request, enum err err, const char *event, const char *reason)
{
    unsigned status = err_http_status(err);
    enum log_level level = event == NULL ? LOG_DEBUG : status >= 500 ? LOG_WARN : LOG_INFO;
    log_write(request->service->log, level, event == NULL ? "request.refused" : event, LOG_STR("reason", reason),
              LOG_INT("status", status), LOG_STR("ip", request->ip_text),
              LOG_STR("account", or_none(request->username_text)), LOG_STR("subdomain", or_none(request->subdomain)));
    if (event != NULL)
        request_audit(request, err, reason, NULL);
    snprintf(request->words, sizeof request->words, "{\"error\": \"%s\"}", err_word(err));
    request_answer(request, status, request->words);
}

void request_limit(struct request *request, unsigned wait_s, enum counter counter, const char *event)
{
    request->retry_after_s = wait_s;
    count(&request->service->counters, counter);
    request_refuse(request, ERR_LIMITED, event, "too_many");
}

// --- Work for other threads ---

enum err request_hash(struct request *request, enum hash_kind kind, void (*on_hashed)(void *request))
{
    request->job.kind = kind;
    request->job.letter = (struct letter){.on_open = on_hashed, .owner = request};
    enum err err = hasher_submit(request->service->hasher, &request->job);
    if (err == ERR_OK)
        count(&request->service->counters, COUNT_hashes);
    else if (err == ERR_BUSY)
        count(&request->service->counters, COUNT_hash_busy);
    return err;
}

// On the store's writer thread.
static void on_change_done(struct change *change)
{
    struct request *request = (struct request *)((char *)change - offsetof(struct request, change));
    inbox_post(request->service->inbox, &request->change_letter);
}

void request_change(struct request *request, void (*on_changed)(void *request))
{
    request->change.on_done = on_change_done;
    request->change.now_s = (uint64_t)time(NULL);
    request->change_letter = (struct letter){.on_open = on_changed, .owner = request};
    store_submit(request->service->store, &request->change);
}

// --- The calls of libmicrohttpd ---

static uint64_t announced_bytes(const struct request *request)
{
    const char *text = request_header(request, "Content-Length");
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static size_t body_max(const struct request *request)
{
    return (size_t)request->service->conf->api_body_max_bytes;
}

static struct request *request_new(struct service *service, struct MHD_Connection *connection)
{
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        return NULL;
    request->service = service;
    request->connection = connection;
    service->n_requests++;
    find_client(request);
    return request;
}

static void request_free(struct request *request)
{
    assert(request->state != REQUEST_WAITING);
    request->service->n_requests--;
    if (request->owned_text != NULL)
        explicit_bzero(request->owned_text, strlen(request->owned_text));
    explicit_bzero(&request->job, sizeof request->job);
    explicit_bzero(request->account_hash, sizeof request->account_hash);
    free(request->owned_text);
    free(request->registration.allowfrom);
    free(request->before_bytes);
    free(request->body);
    free(request);
}

static enum MHD_Result on_headers(struct request *request, const char *url, const char *method)
{
    uint64_t n_bytes = announced_bytes(request);
    request->verdict = route_find(request->service->conf, url, method, &request->match);
    if (n_bytes <= body_max(request))
        return MHD_YES;
    request->verdict = ERR_TOO_LARGE;
    if (n_bytes <= body_max(request) + DISCARD_MAX_BYTES && request_header(request, "Expect") == NULL)
        return MHD_YES;
    set_state(request, REQUEST_RUNNING);
    request_refuse(request, ERR_TOO_LARGE, NULL, "body_too_large");
    return reply_queue(request);
}

static bool grow(struct request *request, size_t n_needed)
{
    size_t n_space = request->n_body_space == 0 ? BODY_SPACE_BYTES : request->n_body_space;
    while (n_space < n_needed)
        n_space *= 2;
    if (n_space == request->n_body_space)
        return true;
    uint8_t *body = realloc(request->body, n_space);
    if (body == NULL)
        return false;
    request->body = body;
    request->n_body_space = n_space;
    return true;
}

static enum MHD_Result on_piece(struct request *request, const char *data, size_t n)
{
    size_t n_total = request->n_body + n;
    if (n_total > body_max(request))
        request->verdict = ERR_TOO_LARGE;
    if (n_total > body_max(request) + DISCARD_MAX_BYTES)
        return MHD_NO;
    if (request->verdict == ERR_OK && !grow(request, n_total))
        request->verdict = ERR_MEMORY;
    if (request->verdict == ERR_OK)
        memcpy(request->body + request->n_body, data, n);
    request->n_body = n_total;
    return MHD_YES;
}

// Only what costs something: to refuse costs as much as to tell a probe how we are.
static unsigned too_often_s(struct request *request)
{
    if (request->match.is_options || request->match.route->is_cheap)
        return 0;
    return throttle_request(&request->service->throttle, request->ip);
}

static void run(struct request *request)
{
    unsigned wait_s;
    set_state(request, REQUEST_RUNNING);
    request->began_ns = uv_hrtime();
    callers_rest(request->connection);
    if (request->verdict == ERR_OK && (wait_s = too_often_s(request)) > 0)
        request_limit(request, wait_s, COUNT_http_limited, NULL);
    else if (request->verdict != ERR_OK)
        request_refuse(request, request->verdict, NULL, err_word(request->verdict));
    else if (request->match.is_options)
        request_answer(request, MHD_HTTP_NO_CONTENT, "");
    else
        request->match.route->on_request(request);
}

static enum MHD_Result on_whole(struct request *request)
{
    if (request->state == REQUEST_RECEIVING)
        run(request);
    if (request->state == REQUEST_ANSWERED)
        return reply_queue(request);
    set_state(request, REQUEST_WAITING);
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

enum MHD_Result request_on_access(void *service, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n_data, void **slot)
{
    (void)version;
    struct request *request = *slot;
    if (request == NULL) {
        *slot = request = request_new(service, connection);
        return request == NULL ? MHD_NO : on_headers(request, url, method);
    }
    if (*n_data == 0)
        return on_whole(request);
    size_t n = *n_data;
    *n_data = 0;
    return on_piece(request, data, n);
}

void request_on_completed(void *service, struct MHD_Connection *connection, void **slot,
                          enum MHD_RequestTerminationCode code)
{
    (void)service, (void)code;
    callers_begin(connection);
    if (*slot != NULL)
        request_free(*slot);
    *slot = NULL;
}

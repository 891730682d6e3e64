// SPDX-License-Identifier: MIT
// One easy handle for each call, all on one multi handle, so that a dead server costs its time-out once and not before
// the living ones. An answer of more than ANSWER_MAX bytes is not of this API.
#include "service.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 64 * 1024, POLL_MS = 1000, SECOND_MS = 1000, RETRY_AFTER_MAX_S = 3600 };
enum {
    OK = 200,
    CREATED = 201,
    NO_CONTENT = 204,
    UNAUTHORIZED = 401,
    FORBIDDEN = 403,
    NOT_FOUND = 404,
    METHOD = 405,
    TOO_MANY = 429,
    SERVER_ERRORS = 500
};

struct exchange {
    struct service_call *call;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    char *url;
    char trouble[CURL_ERROR_SIZE];
    size_t n_answer;
    char answer[ANSWER_MAX];
};

static size_t on_body(char *data, size_t size, size_t n, void *context)
{
    struct exchange *self = context;
    if (size * n > sizeof self->answer - self->n_answer)
        return 0;
    memcpy(self->answer + self->n_answer, data, size * n);
    self->n_answer += size * n;
    return size * n;
}

static bool put_header(struct exchange *self, const char *name, const char *value)
{
    char *line = NULL;
    if (asprintf(&line, "%s: %s", name, value) < 0)
        return false;
    struct curl_slist *longer = curl_slist_append(self->headers, line);
    free(line);
    if (longer == NULL)
        return false;
    self->headers = longer;
    return true;
}

static bool put_headers(struct exchange *self)
{
    const struct service_call *call = self->call;
    char *bearer = NULL;
    bool is_good = put_header(self, "Content-Type", "application/json") && put_header(self, "Expect", "");
    if (call->account.username != NULL)
        is_good = is_good && put_header(self, "X-Api-User", call->account.username) &&
                  put_header(self, "X-Api-Key", call->account.password);
    if (call->token != NULL && call->token[0] != '\0') {
        is_good =
            is_good && asprintf(&bearer, "Bearer %s", call->token) >= 0 && put_header(self, "Authorization", bearer);
        free(bearer);
    }
    return is_good;
}

static void set_options(struct exchange *self, const struct service_options *options)
{
    CURL *easy = self->easy;
    curl_easy_setopt(easy, CURLOPT_URL, self->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, self->body == NULL ? "" : self->body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, self);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, self->trouble);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, self);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "acmezone-hook/" ACMEZONE_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->timeout_ms / 2);
    if (options->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
}

static void end_exchange(struct exchange *self)
{
    curl_easy_cleanup(self->easy);
    curl_slist_free_all(self->headers);
    free(self->body);
    free(self->url);
    free(self);
}

// NULL: no memory.
static struct exchange *new_exchange(struct service_call *call, const struct service_options *options)
{
    struct exchange *self = calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    self->call = call;
    self->easy = curl_easy_init();
    self->body = call->body == NULL ? NULL : json_dumps(call->body, JSON_COMPACT);
    bool is_good = self->easy != NULL && (self->body != NULL || call->body == NULL) &&
                   asprintf(&self->url, "%s%s", call->server, call->path) >= 0 && put_headers(self);
    if (!is_good) {
        end_exchange(self);
        return NULL;
    }
    set_options(self, options);
    return self;
}

static enum service_outcome outcome_of(long status)
{
    switch (status) {
    case OK:
    case CREATED:
    case NO_CONTENT:
        return SERVICE_OK;
    case UNAUTHORIZED:
    case FORBIDDEN:
        return SERVICE_DENIED;
    case NOT_FOUND:
    case METHOD:
        return SERVICE_ABSENT;
    case TOO_MANY:
        return SERVICE_BUSY;
    default:
        return status >= SERVER_ERRORS ? SERVICE_BUSY : status >= 400 ? SERVICE_REFUSED : SERVICE_STRANGE;
    }
}

static void take_answer(struct exchange *self, CURLcode result)
{
    struct service_call *call = self->call;
    if (result != CURLE_OK) {
        call->outcome = result == CURLE_WRITE_ERROR ? SERVICE_STRANGE : SERVICE_UNREACHABLE;
        snprintf(call->detail, sizeof call->detail, "%s",
                 self->trouble[0] != '\0' ? self->trouble : curl_easy_strerror(result));
        return;
    }
    long status = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(self->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    call->outcome = outcome_of(status);
    call->retry_after_ms =
        (unsigned)(retry_after_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : retry_after_s) * SECOND_MS;
    call->answer = json_loadb(self->answer, self->n_answer, 0, NULL);
    const char *word = json_string_value(json_object_get(call->answer, "error"));
    snprintf(call->detail, sizeof call->detail, "HTTP status %ld%s%s", status, word == NULL ? "" : ", ",
             word == NULL ? "" : word);
}

static void take_ended(CURLM *multi)
{
    int n_left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &n_left)) != NULL;) {
        struct exchange *exchange = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        CURLcode result = message->data.result;
        curl_multi_remove_handle(multi, message->easy_handle);
        take_answer(exchange, result);
        end_exchange(exchange);
    }
}

void service_call_all(struct service_call *calls, size_t n, const struct service_options *options)
{
    CURLM *multi = curl_multi_init();
    for (size_t i = 0; i < n; i++) {
        struct service_call *call = &calls[i];
        call->outcome = SERVICE_UNREACHABLE;
        call->answer = NULL;
        call->retry_after_ms = 0;
        snprintf(call->detail, sizeof call->detail, "out of memory");
        struct exchange *exchange = multi == NULL ? NULL : new_exchange(call, options);
        if (exchange != NULL && curl_multi_add_handle(multi, exchange->easy) != CURLM_OK)
            end_exchange(exchange);
    }
    int n_running = multi == NULL ? 0 : 1;
    while (n_running > 0 && curl_multi_perform(multi, &n_running) == CURLM_OK) {
        take_ended(multi);
        if (n_running > 0)
            curl_multi_poll(multi, NULL, 0, POLL_MS, NULL);
    }
    curl_multi_cleanup(multi);
}

void service_describe(const struct service_call *call, char text[static 512])
{
    static const char *const texts[] = {
#define SERVICE_TEXT(name, what) what,
        SERVICE_OUTCOME_LIST(SERVICE_TEXT)
#undef SERVICE_TEXT
    };
    snprintf(text, 512, "%s %s: %s", call->server, texts[call->outcome], call->detail);
}

bool service_may_recover(const struct service_call *call)
{
    return call->outcome == SERVICE_UNREACHABLE || call->outcome == SERVICE_BUSY;
}

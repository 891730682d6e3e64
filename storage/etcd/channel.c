// SPDX-License-Identifier: MIT
// libcurl's multi interface is told by the loop what became of sockets and time (drive.h); everything else is here.
//
// Inside libcurl's callbacks nothing is decided: headers are noted, data is kept. When libcurl has returned, `deliver`
// hands out what has come. So a handler may start calls and may close the channel, neither of which libcurl allows
// within its callbacks.
//
// One connection for a channel, so that to give a channel up means to give its connection up: a connection to a member
// that hangs must not be met again in libcurl's pool.
//
// Without TLS nothing is negotiated: HTTP/2 is spoken from the first byte ("prior knowledge"). libcurl 7.88 starts
// HTTP/2 a second time when it is told so again for a connection that speaks it already. So only the first call is made
// that way; the others ask for HTTP/2, which the connection they find has.
#include "channel.h"

#include "drive.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

enum { URL_MAX = 512 };

// One call under way.
struct flight {
    struct flight *next;
    struct channel *channel;
    struct call call;
    CURL *easy;
    struct curl_slist *headers;
    uint8_t *frame;
    struct grpc_inflow inflow;
    struct grpc_status status;
    bool has_ended;
    CURLcode result;
    char error[CURL_ERROR_SIZE];
};

struct channel {
    const struct channel_options *options;
    CURLM *multi;
    struct drive *drive;
    struct flight *flights;
    bool has_answered; // something has come over the connection
    bool is_delivering;
    bool is_closed;
};

enum err channel_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? ERR_OK : ERR_SYSTEM;
}

// -- What comes in
// ------------------------------------------------------------------------------------------------------------

static size_t on_header(char *line, size_t size, size_t n, void *context)
{
    struct flight *flight = context;
    grpc_status_read(&flight->status, (struct bytes){(const uint8_t *)line, size * n});
    flight->channel->has_answered = true;
    return size * n;
}

static size_t on_data(char *data, size_t size, size_t n, void *context)
{
    struct flight *flight = context;
    if (flight->status.http_status != GRPC_STATUS_OK) // a page of somebody who speaks no gRPC
        return size * n;
    enum err err = grpc_inflow_add(&flight->inflow, (struct bytes){(const uint8_t *)data, size * n});
    return err == ERR_OK ? size * n : 0;
}

static void free_flight(struct channel *channel, struct flight *flight)
{
    if (flight->easy != NULL) {
        curl_multi_remove_handle(channel->multi, flight->easy);
        curl_easy_cleanup(flight->easy);
    }
    curl_slist_free_all(flight->headers);
    grpc_inflow_free(&flight->inflow);
    free(flight->frame);
    free(flight);
}

static void unlink_flight(struct channel *channel, const struct flight *flight)
{
    struct flight **at = &channel->flights;
    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
}

static struct outcome judge(const struct flight *flight, char text[static GRPC_TEXT_MAX])
{
    const struct grpc_status *status = &flight->status;
    if (status->has_code)
        return (struct outcome){.code = status->code, .text = status->text};
    struct outcome outcome = {.code = GRPC_UNAVAILABLE, .is_local = true, .text = text};
    if (flight->result == CURLE_OPERATION_TIMEDOUT)
        outcome.code = GRPC_DEADLINE_EXCEEDED;
    if (flight->result != CURLE_OK)
        snprintf(text, GRPC_TEXT_MAX, "%s", flight->error[0] != 0 ? flight->error : curl_easy_strerror(flight->result));
    else if (status->http_status != GRPC_STATUS_OK)
        snprintf(text, GRPC_TEXT_MAX, "HTTP status %u: not etcd's gRPC API", status->http_status);
    else
        snprintf(text, GRPC_TEXT_MAX, "the answer ended without a status");
    return outcome;
}

static void end(struct channel *channel, struct flight *flight, struct outcome outcome)
{
    unlink_flight(channel, flight);
    flight->call.on_end(flight->call.context, &outcome);
    free_flight(channel, flight);
}

// The answer of a call without on_message is looked for when it has ended.
static void end_ended(struct channel *channel, struct flight *flight)
{
    char text[GRPC_TEXT_MAX];
    struct outcome outcome = judge(flight, text);
    if (outcome.code == GRPC_OK && flight->call.on_message == NULL &&
        grpc_inflow_take(&flight->inflow, &outcome.message) != ERR_OK)
        outcome = (struct outcome){.code = GRPC_INTERNAL, .text = "an answer without a message"};
    end(channel, flight, outcome);
}

// Hands out one thing that has come for the call, a message or its end; false: nothing has.
static bool deliver_one(struct channel *channel, struct flight *flight)
{
    struct bytes message;
    enum err err = flight->call.on_message == NULL ? ERR_NOT_FOUND : grpc_inflow_take(&flight->inflow, &message);
    if (err == ERR_OK)
        flight->call.on_message(flight->call.context, message);
    else if (err == ERR_SYNTAX)
        end(channel, flight,
            (struct outcome){.code = GRPC_INTERNAL, .text = "a message that is compressed or too long"});
    else if (flight->has_ended)
        end_ended(channel, flight);
    else
        return false;
    return true;
}

static void destroy(struct channel *channel)
{
    while (channel->flights != NULL) {
        struct flight *flight = channel->flights;
        channel->flights = flight->next;
        free_flight(channel, flight);
    }
    if (channel->multi != NULL)
        curl_multi_cleanup(channel->multi);
    if (channel->drive != NULL)
        drive_close(channel->drive);
    free(channel);
}

static void note_ended(struct channel *channel)
{
    int n_left;
    for (CURLMsg *note; (note = curl_multi_info_read(channel->multi, &n_left)) != NULL;) {
        struct flight *flight;
        if (note->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(note->easy_handle, CURLINFO_PRIVATE, &flight);
        flight->has_ended = true;
        flight->result = note->data.result;
    }
}

// libcurl has done something. Handlers may add calls in front of the list and may close the channel; a call that was
// handed something is looked at again, from the front.
static void deliver(void *context)
{
    struct channel *channel = context;
    note_ended(channel);
    channel->is_delivering = true;
    struct flight *flight = channel->flights;
    while (flight != NULL && !channel->is_closed)
        flight = deliver_one(channel, flight) ? channel->flights : flight->next;
    channel->is_delivering = false;
    if (channel->is_closed)
        destroy(channel);
}

// -- What goes out
// ------------------------------------------------------------------------------------------------------------

static bool add_header(struct flight *flight, const char *line)
{
    struct curl_slist *longer = curl_slist_append(flight->headers, line);
    if (longer != NULL)
        flight->headers = longer;
    return longer != NULL;
}

// "hasleader": a member that has lost its leader refuses at once instead of waiting, and ends a watch.
static bool add_headers(struct flight *flight)
{
    char line[1024];
    bool is_good = add_header(flight, "content-type: " GRPC_CONTENT_TYPE) && add_header(flight, "te: trailers") &&
                   add_header(flight, "hasleader: true") && add_header(flight, "accept:") &&
                   add_header(flight, "expect:");
    if (is_good && flight->call.token != NULL) {
        int n = snprintf(line, sizeof line, "token: %s", flight->call.token);
        is_good = n > 0 && (size_t)n < sizeof line && add_header(flight, line);
    }
    return is_good;
}

static bool set_tls(CURL *easy, const struct channel_options *options)
{
    CURLcode result = CURLE_OK;
    if (options->tls_ca[0] != 0)
        result = curl_easy_setopt(easy, CURLOPT_CAINFO, options->tls_ca);
    if (result == CURLE_OK && options->tls_cert[0] != 0)
        result = curl_easy_setopt(easy, CURLOPT_SSLCERT, options->tls_cert);
    if (result == CURLE_OK && options->tls_key[0] != 0)
        result = curl_easy_setopt(easy, CURLOPT_SSLKEY, options->tls_key);
    return result == CURLE_OK;
}

static long http_version(const struct channel *channel)
{
    if (strncmp(channel->options->endpoint, "https:", 6) == 0)
        return CURL_HTTP_VERSION_2TLS;
    return channel->has_answered ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

// What libcurl has to copy may fail for want of memory; numbers and pointers cannot.
static bool set_up(struct flight *flight, size_t n_frame)
{
    const struct channel_options *options = flight->channel->options;
    CURL *easy = flight->easy;
    char url[URL_MAX];
    snprintf(url, sizeof url, "%s%s", options->endpoint, flight->call.path);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, http_version(flight->channel));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // nor wait for a look-up of a name that was given up
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)flight->call.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)flight->frame);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n_frame);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, flight->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, flight);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, flight);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, flight->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, flight);
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK && // not the environment's either
           set_tls(easy, options);
}

enum err channel_call(struct channel *channel, const struct call *call)
{
    assert(!channel->is_closed);
    struct flight *flight = calloc(1, sizeof *flight);
    if (flight == NULL)
        return ERR_MEMORY;
    flight->channel = channel;
    flight->call = *call;
    flight->call.message = NULL;
    size_t n_frame = 0;
    enum err err = grpc_frame(call->message, &flight->frame, &n_frame);
    CURL *easy = err == ERR_OK && add_headers(flight) ? curl_easy_init() : NULL;
    flight->easy = easy;
    if (easy == NULL || !set_up(flight, n_frame) || curl_multi_add_handle(channel->multi, easy) != CURLM_OK) {
        free_flight(channel, flight);
        return ERR_MEMORY;
    }
    flight->next = channel->flights;
    channel->flights = flight;
    return ERR_OK;
}

enum err channel_open(struct channel **channel, const struct channel_options *options)
{
    struct channel *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->options = options;
    self->multi = curl_multi_init();
    enum err err = self->multi == NULL ? ERR_MEMORY : drive_open(&self->drive, options->loop, self->multi);
    if (err != ERR_OK) {
        destroy(self);
        return err;
    }
    drive_set_handler(self->drive, deliver, self);
    curl_multi_setopt(self->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
    *channel = self;
    return ERR_OK;
}

void channel_close(struct channel *channel)
{
    if (channel == NULL)
        return;
    assert(!channel->is_closed);
    channel->is_closed = true;
    if (!channel->is_delivering)
        destroy(channel);
}

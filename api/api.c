// SPDX-License-Identifier: MIT
// The rooms of this floor are opened in one order and closed in the other: inbox, reader, hasher, cache, certificate,
// then one listener a socket. Handles of libuv close on a later turn of the loop, so closing is counted, and the last
// one frees the house; a start that fails half-way goes the same way down.
//
// Stopping is a small state machine, looked at after every run of a listener. Draining: nobody new comes in, whoever
// has begun a request is answered, and then idle connections are closed. At the deadline the queue of password checks
// is given back, so that no connection stays suspended for long, and when none is suspended any more what is left is
// broken off.
#include "api.h"

#include "listener.h"
#include "request.h"
#include "service.h"
#include "tls.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

enum api_state {
    API_SERVING,
    API_DRAINING, // answers what is in flight
    API_LATE,     // past the deadline
    API_CLOSING,  // handles are being closed
};

struct api {
    struct service service;
    enum api_state state;
    uv_loop_t *loop;
    uv_timer_t deadline;
    struct tls *tls;
    unsigned n_open; // things that close on a later turn of the loop
    void (*on_stopped)(void *context);
    void *context;
    size_t n_listeners;
    struct listener *listeners[];
};

// --- Going down ---

static void on_closed(void *context)
{
    struct api *api = context;
    if (--api->n_open > 0)
        return;
    credential_close(api->service.credentials);
    throttle_close(&api->service.throttle);
    if (api->service.reader != NULL)
        store_reader_close(api->service.reader);
    if (api->on_stopped != NULL)
        api->on_stopped(api->context);
    free(api);
}

static void on_deadline_closed(uv_handle_t *handle)
{
    on_closed(handle->data);
}

// No request is with another thread. The hasher's threads post into the inbox, so they end before it does.
static void close_all(struct api *api)
{
    api->state = API_CLOSING;
    for (size_t i = 0; i < api->n_listeners; i++)
        listener_close(api->listeners[i], on_closed, api);
    assert(api->service.n_requests == 0);
    hasher_stop(api->service.hasher);
    if (api->tls != NULL)
        tls_close(api->tls, on_closed, api);
    if (api->service.inbox != NULL)
        inbox_close(api->service.inbox, on_closed, api);
    uv_close((uv_handle_t *)&api->deadline, on_deadline_closed);
}

static bool is_drained(const struct api *api)
{
    for (size_t i = 0; i < api->n_listeners; i++)
        if (!listener_is_idle(api->listeners[i]))
            return false;
    return api->service.n_requests == 0;
}

// Not to be called from within a run of libmicrohttpd.
static void look_whether_done(void *context)
{
    struct api *api = context;
    if ((api->state == API_DRAINING && is_drained(api)) || (api->state == API_LATE && api->service.n_waiting == 0))
        close_all(api);
}

static void on_deadline(uv_timer_t *timer)
{
    struct api *api = timer->data;
    if (api->state == API_DRAINING) {
        log_write(api->service.log, LOG_WARN, "api.deadline", LOG_INT("requests", api->service.n_requests),
                  LOG_INT("waiting", api->service.n_waiting));
        api->state = API_LATE;
        hasher_cancel(api->service.hasher);
    }
    look_whether_done(api);
}

static void run_listeners(const struct api *api)
{
    for (size_t i = 0; i < api->n_listeners; i++)
        listener_run(api->listeners[i]);
}

// Letters have been opened: answers are there, connections are to be resumed.
static void on_letters(void *context)
{
    struct api *api = context;
    if (api->state == API_CLOSING)
        return;
    run_listeners(api);
    look_whether_done(api);
}

void api_stop(struct api *api, unsigned deadline_ms, void (*on_stopped)(void *context), void *context)
{
    assert(api->state != API_CLOSING);
    api->on_stopped = on_stopped;
    api->context = context;
    if (api->state == API_SERVING) {
        run_listeners(api); // what has come in already counts as in flight: connections are accepted,
        run_listeners(api); // and what they have sent is read
        for (size_t i = 0; i < api->n_listeners; i++)
            listener_quiesce(api->listeners[i]);
        api->service.is_stopping = true;
        api->state = API_DRAINING;
    }
    uv_timer_start(&api->deadline, on_deadline, deadline_ms, 0);
    look_whether_done(api);
}

// --- Coming up ---

static struct api *make(const struct api_options *options)
{
    size_t n_bytes = sizeof(struct api) + options->n_listen_fds * sizeof(struct listener *);
    size_t alignment = _Alignof(struct api);
    struct api *api = aligned_alloc(alignment, (n_bytes + alignment - 1) / alignment * alignment);
    if (api == NULL)
        return NULL;
    memset(api, 0, n_bytes);
    api->loop = options->loop;
    api->service.conf = options->conf;
    api->service.log = options->log;
    api->service.audit = options->audit;
    api->service.store = options->store;
    api->service.ready = options->ready;
    api->service.ready_context = options->ready_context;
    api->service.is_reserved = options->is_reserved;
    api->service.reserved_context = options->reserved_context;
    api->service.has_tls = strcmp(options->conf->api_tls, "none") != 0;
    uv_timer_init(api->loop, &api->deadline);
    api->deadline.data = api;
    api->n_open = 1;
    return api;
}

static enum err open_inbox(struct api *api)
{
    enum err err = inbox_open(&api->service.inbox, api->loop, on_letters, api);
    api->n_open += err == ERR_OK;
    return err;
}

static enum err open_reader(struct api *api)
{
    return store_reader_open(&api->service.reader, api->service.store);
}

static enum err start_hasher(struct api *api)
{
    const struct conf *conf = api->service.conf;
    const struct hasher_options options = {
        .inbox = api->service.inbox,
        .cost = {(uint32_t)conf->api_argon2_memory_kib, (uint32_t)conf->api_argon2_passes,
                 (uint32_t)conf->api_argon2_lanes},
        .n_threads = (size_t)conf->api_hash_threads,
        .n_queue = (size_t)conf->api_hash_queue,
    };
    char password[SECRET_PASSWORD_CHARS + 1];
    secret_password(password);
    enum err err = secret_hash(&options.cost, bytes_of_text(password), api->service.dummy_hash);
    return err != ERR_OK ? err : hasher_start(&api->service.hasher, &options);
}

static enum err open_credentials(struct api *api)
{
    return credential_open(&api->service.credentials, (size_t)api->service.conf->api_credential_cache);
}

static enum err open_throttle(struct api *api)
{
    return throttle_open(&api->service.throttle, api->service.conf);
}

static enum err open_tls(struct api *api)
{
    const struct conf *conf = api->service.conf;
    struct tls_options options = {.loop = api->loop, .log = api->service.log, .counters = &api->service.counters};
    if (conf->acme.is_on)
        options.temporary_for = conf->acme.names.at[0];
    else
        options.files = (struct keypair_files){conf->api_tls_cert_fullchain, conf->api_tls_cert_privkey};
    if (!api->service.has_tls)
        return ERR_OK;
    enum err err = tls_open(&api->tls, &options);
    api->n_open += err == ERR_OK;
    return err;
}

static enum err open_listener(struct api *api, int fd)
{
    const struct listener_options options = {
        .conf = api->service.conf,
        .log = api->service.log,
        .counters = &api->service.counters,
        .has_tls = api->service.has_tls,
        .n_connections = (unsigned)api->service.conf->api_connections,
        .on_access = request_on_access,
        .on_completed = request_on_completed,
        .access_context = &api->service,
        .loop = api->loop,
        .fd = fd,
        .on_ran = look_whether_done,
        .context = api,
    };
    enum err err = listener_open(&api->listeners[api->n_listeners], &options);
    if (err == ERR_OK) {
        api->n_listeners++;
        api->n_open++;
    }
    return err;
}

static enum err open_all(struct api *api, const struct api_options *options)
{
    static enum err (*const steps[])(struct api *) = {open_inbox,       open_reader,   start_hasher,
                                                      open_credentials, open_throttle, open_tls};
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && err == ERR_OK; i++)
        err = steps[i](api);
    for (size_t i = 0; i < options->n_listen_fds && err == ERR_OK; i++)
        err = open_listener(api, options->listen_fds[i]);
    return err;
}

enum err api_start(struct api **api, const struct api_options *options)
{
    struct api *self = make(options);
    enum err err = self == NULL ? ERR_MEMORY : open_all(self, options);
    if (err != ERR_OK) {
        if (err != ERR_TLS) // that has been logged
            log_write(options->log, LOG_ERROR, "api.refused", LOG_ERR(err));
        if (self != NULL)
            close_all(self);
        return err;
    }
    for (size_t i = 0; i < options->n_listen_fds; i++)
        close(options->listen_fds[i]);
    *api = self;
    return ERR_OK;
}

enum err api_reload(struct api *api)
{
    return api->tls == NULL ? ERR_OK : tls_reload(api->tls);
}

enum err api_set_certificate(struct api *api, const struct keypair_text *text)
{
    return api->tls == NULL ? ERR_OK : tls_set(api->tls, text);
}

const struct counters *api_counters(const struct api *api)
{
    return &api->service.counters;
}

struct api_status api_status(const struct api *api)
{
    return (struct api_status){
        .traffic = &api->service.traffic,
        .hash_wait_ns = hasher_wait_ns(api->service.hasher),
        .n_hashes_waiting = hasher_n_waiting(api->service.hasher),
        .certificate_expires_s = api->tls == NULL ? 0 : tls_expires(api->tls),
    };
}

size_t api_n_routes(void)
{
    return route_n();
}

const char *api_route_name(size_t number)
{
    return route_name(number);
}

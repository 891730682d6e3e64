// SPDX-License-Identifier: MIT
// The listeners are those of the API, with another handler behind them: who scrapes is held to the same times and
// numbers of connections. The text is made anew for each scrape, on the loop: some tens of kilobytes, which take less
// than a millisecond.
//
// The handler needs to remember but one thing between its calls, whether it was called before for this request, so any
// pointer that is not null will do.
#include "exporter.h"

#include "caller.h"
#include "listener.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exporter {
    struct counters counters; // of the listeners
    char *(*write)(void *context, size_t *n);
    void *context;
    void (*on_stopped)(void *context);
    void *stop_context;
    size_t n_open; // listeners still to be closed
    size_t n_listeners;
    struct listener *listeners[];
};

struct page {
    unsigned status;
    char *text;
    size_t n;
    bool is_owned;
};

static struct page fixed_page(unsigned status, const char *text)
{
    return (struct page){status, (char *)(uintptr_t)text, strlen(text), false};
}

static struct page find_page(const struct exporter *exporter, const char *url, const char *method)
{
    if (strcmp(url, "/metrics") != 0)
        return fixed_page(MHD_HTTP_NOT_FOUND, "metrics are at /metrics\n");
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return fixed_page(MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    struct page page = {.status = MHD_HTTP_OK, .is_owned = true};
    page.text = exporter->write(exporter->context, &page.n);
    return page.text == NULL ? fixed_page(MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n") : page;
}

static enum MHD_Result queue(struct MHD_Connection *connection, const struct page *page)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        page->n, page->text, page->is_owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        if (page->is_owned)
            free(page->text);
        return MHD_NO;
    }
    enum MHD_Result result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, CONTENT_TYPE);
    if (result == MHD_YES && page->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (result == MHD_YES)
        result = MHD_queue_response(connection, page->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *data, size_t *n_data, void **slot)
{
    (void)version, (void)data;
    struct exporter *exporter = context;
    bool is_first = *slot == NULL;
    *slot = exporter;
    if (is_first)
        return MHD_YES;
    if (*n_data != 0)
        return MHD_NO; // nobody has anything to say here
    callers_rest(connection);
    const struct page page = find_page(exporter, url, method);
    return queue(connection, &page);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)code;
    callers_begin(connection);
    *slot = NULL;
}

static void on_ran(void *context)
{
    (void)context;
}

static enum err open_all(struct exporter *self, const struct exporter_options *options)
{
    struct listener_options listener = {
        .conf = options->conf,
        .log = options->log,
        .counters = &self->counters,
        .n_connections = EXPORTER_CONNECTIONS_MAX,
        .on_access = on_access,
        .on_completed = on_completed,
        .access_context = self,
        .loop = options->loop,
        .on_ran = on_ran,
    };
    enum err err = ERR_OK;
    for (size_t i = 0; i < options->n_listen_fds && err == ERR_OK; i++) {
        listener.fd = options->listen_fds[i];
        err = listener_open(&self->listeners[self->n_listeners], &listener);
        self->n_listeners += err == ERR_OK;
    }
    return err;
}

static struct exporter *make(const struct exporter_options *options)
{
    size_t alignment = _Alignof(struct exporter);
    size_t n_bytes = sizeof(struct exporter) + options->n_listen_fds * sizeof(struct listener *);
    n_bytes = (n_bytes + alignment - 1) / alignment * alignment;
    struct exporter *self = aligned_alloc(alignment, n_bytes);
    if (self == NULL)
        return NULL;
    memset(self, 0, n_bytes);
    self->write = options->write;
    self->context = options->context;
    return self;
}

enum err exporter_start(struct exporter **exporter, const struct exporter_options *options)
{
    struct exporter *self = make(options);
    enum err err = self == NULL ? ERR_MEMORY : open_all(self, options);
    if (err != ERR_OK) {
        log_write(options->log, LOG_ERROR, "metrics.refused", LOG_ERR(err));
        if (self != NULL)
            exporter_stop(self, NULL, NULL);
        return err;
    }
    for (size_t i = 0; i < options->n_listen_fds; i++)
        close(options->listen_fds[i]);
    *exporter = self;
    return ERR_OK;
}

static void on_closed(void *context)
{
    struct exporter *exporter = context;
    if (--exporter->n_open > 0)
        return;
    if (exporter->on_stopped != NULL)
        exporter->on_stopped(exporter->stop_context);
    free(exporter);
}

void exporter_stop(struct exporter *exporter, void (*on_stopped)(void *context), void *context)
{
    exporter->on_stopped = on_stopped;
    exporter->stop_context = context;
    exporter->n_open = 1 + exporter->n_listeners;
    for (size_t i = 0; i < exporter->n_listeners; i++)
        listener_close(exporter->listeners[i], on_closed, exporter);
    on_closed(exporter);
}

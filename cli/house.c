// SPDX-License-Identifier: MIT
// The order is that of the floors: log, store, zones, DNS, API. DNS comes before the API, because a registration that
// is answered must be found by DNS.
#include "house.h"

#include "cmd_config.h"
#include "identity.h"
#include "reserved.h"
#include "sandbox.h"
#include "socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { API_LISTEN_MAX = 128 };

// --- Open and close ---

static enum err open_log(struct house *house)
{
    enum err err = log_open(&house->log, &house->conf->log);
    if (err != ERR_OK)
        fprintf(stderr, "acmezone: error: the log file %s cannot be opened: %s\n", house->conf->log.file,
                strerror(errno));
    return err;
}

// Landlock can let a directory through only when it is there.
static enum err enclose(struct house *house)
{
    enum err err = identity_begin(house->conf, house->log);
    if (err == ERR_OK)
        err = store_make_directory(database_directory(house->conf), house->log);
    return err == ERR_OK ? sandbox_begin(house->conf, house->log) : err;
}

// All threads run, all is bound.
static enum err shut(const struct house *house)
{
    enum err err = identity_end(house->conf, house->log);
    return err == ERR_OK ? sandbox_end(house->conf, house->log) : err;
}

static enum err open_store(struct house *house)
{
    database_read(&house->database, house->conf, house->log);
    return store_open(&house->store, &house->database.options);
}

static enum err open_server(struct house *house)
{
    const struct server_options options = {.conf = house->conf, .store = house->store, .log = house->log};
    return server_start(&house->server, &options, house->zones);
}

// Binds one address of the API and notes it as a URL.
static enum err bind_api(const struct house *house, const struct listen *listen, int *fd, FILE *urls)
{
    char text[SOCKET_TEXT_MAX];
    enum err err = socket_bind(fd, SOCKET_TCP, SOCKET_ALONE, listen->ip, listen->port);
    if (err != ERR_OK) {
        int saved = errno;
        if (listen->is_implied && (saved == EAFNOSUPPORT || saved == EADDRNOTAVAIL))
            return ERR_NOT_FOUND; // "all addresses" on a machine without this family
        log_write(house->log, LOG_ERROR, "serve.cannot_bind",
                  LOG_STR("address", socket_write(listen->ip, listen->port, text)), LOG_STR("reason", strerror(saved)));
        return err;
    }
    const char *scheme = strcmp(house->conf->api_tls, "none") == 0 ? "http" : "https";
    fprintf(urls, "%s%s://%s", ftell(urls) > 0 ? "," : "", scheme, socket_write(listen->ip, socket_port(*fd), text));
    return ERR_OK;
}

static enum err bind_apis(struct house *house, int fds[API_LISTEN_MAX], size_t *n_fds)
{
    size_t n_text;
    FILE *urls = open_memstream(&house->api_addresses, &n_text);
    if (urls == NULL)
        return ERR_MEMORY;
    const struct listens *listens = &house->conf->api_listens;
    enum err err = ERR_OK;
    for (size_t i = 0; i < listens->n && *n_fds < API_LISTEN_MAX; i++) {
        err = bind_api(house, &listens->at[i], &fds[*n_fds], urls);
        if (err == ERR_OK)
            (*n_fds)++;
        else if (err != ERR_NOT_FOUND)
            break;
        err = ERR_OK;
    }
    return fclose(urls) == 0 ? err : ERR_MEMORY;
}

static size_t check_ready(void *context, struct api_check *checks, size_t max)
{
    const struct house *house = context;
    if (max < 3)
        return 0;
    checks[0] = (struct api_check){"dns", true, "", NULL}; // bound before the API, and until after it
    checks[1] = (struct api_check){"store", store_is_writable(house->store), "the last commit failed", NULL};
    const struct store_status status = store_status(house->store);
    if (status.state == NULL)
        return 2;
    checks[2] = (struct api_check){"replica", !status.is_stale,
                                   status.is_in_step && !status.is_stale ? NULL : status.why, status.state};
    return 3;
}

static bool is_reserved(void *context, struct bytes label)
{
    const struct house *house = context;
    return reserved_has(house->zones, label);
}

static enum err open_api(struct house *house, uv_loop_t *loop)
{
    int fds[API_LISTEN_MAX];
    size_t n = 0;
    enum err err = bind_apis(house, fds, &n);
    if (err == ERR_OK)
        err = api_start(&house->api, &(struct api_options){.conf = house->conf,
                                                           .loop = loop,
                                                           .store = house->store,
                                                           .log = house->log,
                                                           .listen_fds = fds,
                                                           .n_listen_fds = n,
                                                           .ready = check_ready,
                                                           .ready_context = house,
                                                           .is_reserved = is_reserved,
                                                           .reserved_context = house});
    if (err != ERR_OK)
        while (n > 0)
            close(fds[--n]);
    return err;
}

enum err house_open(struct house *house, struct conf *conf, uv_loop_t *loop)
{
    *house = (struct house){.conf = conf};
    enum err err = open_log(house);
    if (err == ERR_OK)
        err = enclose(house);
    if (err == ERR_OK)
        err = open_store(house);
    if (err == ERR_OK)
        err = zones_new(&house->zones, conf, house->log);
    if (err == ERR_OK)
        err = open_server(house);
    if (err == ERR_OK)
        err = open_api(house, loop);
    if (err == ERR_OK && (err = shut(house)) != ERR_OK) {
        api_stop(house->api, 0, NULL, NULL);
        house->api = NULL;
    }
    return err;
}

void house_close(struct house *house)
{
    if (house->server != NULL)
        server_stop(house->server);
    if (house->zones != NULL)
        zones_drop(house->zones);
    if (house->store != NULL)
        store_close(house->store);
    free(house->api_addresses);
    log_close(house->log);
    config_free(house->conf);
}

// --- Reload ---

static void log_told(void *log, bool is_error, const char *text)
{
    log_write(log, is_error ? LOG_ERROR : LOG_WARN, is_error ? "config.refused" : "config.warning",
              LOG_STR("text", text));
}

// The zones' names are spread over the process, in fulldomains for one: only their content can change while it runs.
static bool has_same_zones(const struct conf *a, const struct conf *b)
{
    if (a->general_domain.n != b->general_domain.n)
        return false;
    for (size_t i = 0; i < a->general_domain.n; i++)
        if (strcmp(a->general_domain.at[i], b->general_domain.at[i]) != 0)
            return false;
    return true;
}

static enum err reload_zones(struct house *house)
{
    struct conf *conf;
    enum err err = config_load(&conf, house->conf->file, (struct config_sink){log_told, house->log});
    if (err != ERR_OK)
        return err;
    struct zones *zones;
    if (!has_same_zones(conf, house->conf)) {
        log_write(house->log, LOG_ERROR, "zone.refused", LOG_STR("reason", "domain has changed: that needs a restart"));
        err = ERR_RANGE;
    } else {
        err = zones_new(&zones, conf, house->log);
    }
    config_free(conf);
    if (err != ERR_OK)
        return err;
    server_set_zones(house->server, zones);
    zones_drop(house->zones);
    house->zones = zones;
    return ERR_OK;
}

void house_reload(struct house *house)
{
    enum err log_err = log_reopen(house->log);
    if (log_err != ERR_OK)
        log_write(house->log, LOG_ERROR, "log.cannot_reopen", LOG_STR("file", house->conf->log.file),
                  LOG_STR("reason", strerror(errno)));
    enum err zones_err = reload_zones(house);
    enum err api_err = api_reload(house->api);
    log_write(house->log, LOG_INFO, "serve.reloaded", LOG_STR("log", err_text(log_err)),
              LOG_STR("records", err_text(zones_err)), LOG_STR("certificate", err_text(api_err)));
}

// --- Report ---

static uint64_t total(const struct house *house, enum counter which)
{
    uint64_t sum = counter_value(store_counters(house->store), which);
    if (house->api != NULL)
        sum += counter_value(api_counters(house->api), which);
    for (size_t i = 0; i < server_n_workers(house->server); i++)
        sum += counter_value(server_counters(house->server, i), which);
    return sum;
}

void house_report(const struct house *house)
{
    static const char *const names[] = {
#define COUNTER_NAME(name, help) #name,
        COUNTER_LIST(COUNTER_NAME)
#undef COUNTER_NAME
    };
    struct log_field fields[N_COUNTERS + 2];
    for (unsigned i = 0; i < N_COUNTERS; i++)
        fields[i] = LOG_INT(names[i], total(house, i));
    fields[N_COUNTERS] = LOG_INT("log_lost", log_n_lost(house->log));
    fields[N_COUNTERS + 1] = (struct log_field){0};
    log_write_fields(house->log, LOG_INFO, "serve.counters", fields);
}

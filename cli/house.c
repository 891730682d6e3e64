// SPDX-License-Identifier: MIT
// The order is that of the floors: log, store, zones, DNS, API. DNS comes before the API, because a registration that
// is answered must be found by DNS.
#include "house.h"

#include "bind.h"
#include "cmd_config.h"
#include "descriptors.h"
#include "identity.h"
#include "metrics.h"
#include "reserved.h"
#include "sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// --- Open and close ---

static enum err open_log(struct house *house)
{
    enum err err = log_open(&house->log, &house->conf->log);
    if (err != ERR_OK)
        fprintf(stderr, "acmezone: error: the log file %s cannot be opened: %s\n", house->conf->log.file,
                strerror(errno));
    return err;
}

// `err` is what came of opening the file; errno belongs to it.
static enum err note_opened(const struct house *house, const char *file, enum err err)
{
    if (err != ERR_OK)
        log_write(house->log, LOG_ERROR, "serve.refused", LOG_STR("file", file), LOG_STR("reason", strerror(errno)));
    return err;
}

static enum err open_querylog(struct house *house)
{
    const struct conf *conf = house->conf;
    const struct log_options options = {.level = LOG_INFO, .is_json = conf->log.is_json, .file = conf->querylog_file};
    if (conf->querylog_sample == 0 || conf->querylog_file[0] == 0)
        return ERR_OK;
    return note_opened(house, conf->querylog_file, log_open(&house->querylog, &options));
}

static enum err open_audit(struct house *house)
{
    const struct conf *conf = house->conf;
    if (!conf->audit_enabled)
        return ERR_OK;
    return note_opened(house, conf->audit_file, audit_open(&house->audit, conf->audit_file, house->log));
}

// As the user who will write them.
static enum err open_other_logs(struct house *house)
{
    enum err err = open_querylog(house);
    return err == ERR_OK ? open_audit(house) : err;
}

static struct log *agent_log; // until the agent has been forked

static enum err confine_agent(const struct conf *conf)
{
    enum err err = identity_end(conf, agent_log);
    return err == ERR_OK ? sandbox_agent(conf, agent_log) : err;
}

static enum err start_agent(struct house *house)
{
    agent_log = house->log;
    return house->conf->acme.is_on ? agent_start(&house->agent, house->conf, house->log, confine_agent) : ERR_OK;
}

// Landlock can let a directory through only when it is there.
static enum err enclose(struct house *house)
{
    enum err err = identity_begin(house->conf, house->log);
    if (err == ERR_OK)
        err = open_other_logs(house);
    if (err == ERR_OK)
        err = store_make_directory(database_directory(house->conf), house->log);
    if (err == ERR_OK)
        err = start_agent(house);
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
    const struct server_options options = {.conf = house->conf,
                                           .store = house->store,
                                           .log = house->log,
                                           .querylog = house->querylog == NULL ? house->log : house->querylog};
    return server_start(&house->server, &options, house->zones);
}

static size_t check_ready(void *context, struct api_check *checks, size_t max)
{
    const struct house *house = context;
    if (max < 4)
        return 0;
    checks[0] = (struct api_check){"dns", true, "", NULL}; // bound before the API, and until after it
    checks[1] = (struct api_check){"store", store_is_writable(house->store), "the last commit failed", NULL};
    size_t n = 2;
    const struct store_status status = store_status(house->store);
    if (status.state != NULL)
        checks[n++] = (struct api_check){"replica", !status.is_stale,
                                         status.is_in_step && !status.is_stale ? NULL : status.why, status.state};
    if (house->acme != NULL)
        checks[n++] = acme_check(house->acme);
    return n;
}

static bool is_reserved(void *context, struct bytes label)
{
    const struct house *house = context;
    return reserved_has(house->zones, label);
}

static enum err open_api(struct house *house, uv_loop_t *loop)
{
    struct bound bound = {0};
    const char *scheme = strcmp(house->conf->api_tls, "none") == 0 ? "http" : "https";
    enum err err = bind_all(&bound, &(struct bind_wanted){&house->conf->api_listens, scheme, house->log, LOG_ERROR});
    house->api_addresses = bound.urls;
    if (err == ERR_OK)
        err = api_start(&house->api, &(struct api_options){.conf = house->conf,
                                                           .loop = loop,
                                                           .store = house->store,
                                                           .log = house->log,
                                                           .audit = house->audit,
                                                           .listen_fds = bound.fds,
                                                           .n_listen_fds = bound.n,
                                                           .ready = check_ready,
                                                           .ready_context = house,
                                                           .is_reserved = is_reserved,
                                                           .reserved_context = house});
    if (err != ERR_OK)
        bind_drop(&bound);
    return err;
}

static enum err open_acme(struct house *house, uv_loop_t *loop)
{
    const struct acme_options options = {.conf = house->conf,
                                         .loop = loop,
                                         .store = house->store,
                                         .log = house->log,
                                         .api = house->api,
                                         .agent = house->agent};
    if (!house->conf->acme.is_on)
        return ERR_OK;
    house->agent = (struct agent){-1, -1};
    enum err err = acme_open(&house->acme, &options);
    house->is_acme_running = err == ERR_OK;
    return err;
}

static char *write_metrics(void *context, size_t *n)
{
    return metrics_write(context, n);
}

// A default that nobody has asked for does not keep DNS from being served: then a second server on a machine goes
// without metrics, and says so.
static enum err bind_metrics(struct house *house, struct bound *bound)
{
    const struct conf *conf = house->conf;
    enum log_level level = conf->is_metrics_asked ? LOG_ERROR : LOG_WARN;
    enum err err = bind_all(bound, &(struct bind_wanted){&conf->metrics_listens, "http", house->log, level});
    if (err == ERR_SYSTEM && !conf->is_metrics_asked) {
        bind_drop(bound);
        err = ERR_OK;
    }
    if (err == ERR_OK && bound->n > 0)
        house->metrics_addresses = bound->urls;
    else
        free(bound->urls);
    return err;
}

static enum err open_metrics(struct house *house, uv_loop_t *loop)
{
    struct bound bound = {0};
    enum err err = bind_metrics(house, &bound);
    if (err == ERR_OK && bound.n == 0)
        return ERR_OK;
    if (err == ERR_OK)
        err = store_reader_open(&house->metrics_reader, house->store);
    if (err == ERR_OK)
        err = exporter_start(&house->exporter, &(struct exporter_options){.conf = house->conf,
                                                                          .loop = loop,
                                                                          .log = house->log,
                                                                          .listen_fds = bound.fds,
                                                                          .n_listen_fds = bound.n,
                                                                          .write = write_metrics,
                                                                          .context = house});
    if (err != ERR_OK)
        bind_drop(&bound);
    return err;
}

// What runs on the loop goes on until the loop has run.
static void stop_serving(struct house *house)
{
    house_leave(house);
    if (house->exporter != NULL)
        exporter_stop(house->exporter, NULL, NULL);
    if (house->api != NULL)
        api_stop(house->api, 0, NULL, NULL);
    house->exporter = NULL;
    house->api = NULL;
}

enum err house_begin(struct house *house, struct conf *conf)
{
    *house = (struct house){.conf = conf, .agent = {-1, -1}};
    vitals_open(&house->vitals);
    enum err err = open_log(house);
    if (err == ERR_OK)
        descriptors_fit(conf, house->log);
    return err == ERR_OK ? enclose(house) : err;
}

enum err house_open(struct house *house, uv_loop_t *loop)
{
    enum err err = open_store(house);
    if (err == ERR_OK)
        err = zones_new(&house->zones, house->conf, house->log);
    if (err == ERR_OK)
        err = open_server(house);
    if (err == ERR_OK)
        err = open_api(house, loop);
    if (err == ERR_OK)
        err = open_acme(house, loop);
    if (err == ERR_OK)
        err = open_metrics(house, loop);
    if (err == ERR_OK)
        err = shut(house);
    if (err != ERR_OK)
        stop_serving(house);
    return err;
}

void house_leave(struct house *house)
{
    if (house->is_acme_running)
        acme_stop(house->acme);
    house->is_acme_running = false;
}

void house_close(struct house *house)
{
    agent_stop(&house->agent);
    if (house->server != NULL)
        server_stop(house->server);
    if (house->zones != NULL)
        zones_drop(house->zones);
    if (house->metrics_reader != NULL)
        store_reader_close(house->metrics_reader);
    if (house->store != NULL)
        store_close(house->store);
    if (house->acme != NULL)
        acme_free(house->acme);
    vitals_close(&house->vitals);
    free(house->api_addresses);
    free(house->metrics_addresses);
    audit_close(house->audit);
    log_close(house->querylog);
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

// `err` is what came of opening the file anew; errno belongs to it.
static enum err note_reopened(const struct house *house, const char *file, enum err err)
{
    if (err != ERR_OK)
        log_write(house->log, LOG_ERROR, "log.cannot_reopen", LOG_STR("file", file),
                  LOG_STR("reason", strerror(errno)));
    return err;
}

static enum err worse(enum err one, enum err other)
{
    return one == ERR_OK ? other : one;
}

static enum err reopen_logs(const struct house *house)
{
    const struct conf *conf = house->conf;
    enum err err = note_reopened(house, conf->log.file, log_reopen(house->log));
    if (house->querylog != NULL)
        err = worse(err, note_reopened(house, conf->querylog_file, log_reopen(house->querylog)));
    return worse(err, note_reopened(house, conf->audit_file, audit_reopen(house->audit)));
}

void house_reload(struct house *house)
{
    enum err log_err = reopen_logs(house);
    enum err zones_err = reload_zones(house);
    enum err api_err = api_reload(house->api);
    log_write(house->log, LOG_INFO, "serve.reloaded", LOG_STR("log", err_text(log_err)),
              LOG_STR("records", err_text(zones_err)), LOG_STR("certificate", err_text(api_err)));
}

// --- Report ---

uint64_t house_total(const struct house *house, enum counter which)
{
    uint64_t sum = counter_value(store_counters(house->store), which);
    if (house->api != NULL)
        sum += counter_value(api_counters(house->api), which);
    if (house->acme != NULL)
        sum += counter_value(acme_counters(house->acme), which);
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
        fields[i] = LOG_INT(names[i], house_total(house, i));
    fields[N_COUNTERS] = LOG_INT("log_lost", log_n_lost(house->log));
    fields[N_COUNTERS + 1] = (struct log_field){0};
    log_write_fields(house->log, LOG_INFO, "serve.counters", fields);
}

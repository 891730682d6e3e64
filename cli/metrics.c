// SPDX-License-Identifier: MIT
// First one look at everything (struct sight), then the table is walked. What cannot be told is NAN in the sight, and
// its metric is left out; so is what only replicas have, from a server that is none.
//
// Threads count by themselves and are not stopped for this: the numbers are each right, but not of one instant.
#include "metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct sight {
    const struct house *house;
    bool is_replica;
    uint64_t counters[N_COUNTERS];
    struct api_status api;
    struct histogram_sum dns, hash_wait, commit, barrier;
    struct vitals_now vitals;
    double start_s, workers, log_lost;
    double hash_queue, hash_queue_limit, certificate_expires_s;
    double writable, accounts, map_bytes, used_bytes, reusable_bytes, disk_bytes, disk_free_bytes;
    double in_step, stale, age_s, lag, live;
};

enum who { EVERYBODY, REPLICA };

// One sample of a counter; the list ends with a null pointer for labels.
struct sample {
    const char *labels;
    enum counter counter;
};

struct family {
    enum who who;
    const char *name;
    const char *type;
    const char *help;
    void (*write)(FILE *out, const struct sight *sight, const struct family *family);
    const struct sample *samples; // of write_counters
    size_t offset;                // in struct sight, of write_number and write_histogram
};

// --- Samples ---

static void write_counters(FILE *out, const struct sight *sight, const struct family *family)
{
    for (const struct sample *sample = family->samples; sample->labels != NULL; sample++) {
        bool has_labels = sample->labels[0] != '\0';
        fprintf(out, "%s%s%s%s %" PRIu64 "\n", family->name, has_labels ? "{" : "", sample->labels,
                has_labels ? "}" : "", sight->counters[sample->counter]);
    }
}

static void write_value(FILE *out, double value)
{
    if (isinf(value))
        fputs("+Inf\n", out);
    else
        fprintf(out, "%.15g\n", value);
}

static double number_at(const struct sight *sight, const struct family *family)
{
    return *(const double *)(const void *)((const char *)sight + family->offset);
}

static void write_number(FILE *out, const struct sight *sight, const struct family *family)
{
    fprintf(out, "%s ", family->name);
    write_value(out, number_at(sight, family));
}

// `labels` ends with a comma, or is empty.
static void write_buckets(FILE *out, const char *name, const char *labels, const struct histogram_scale *scale,
                          const struct histogram_sum *sum)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= scale->n; i++) {
        total += sum->buckets[i];
        if (i < scale->n)
            fprintf(out, "%s_bucket{%sle=\"%g\"} %" PRIu64 "\n", name, labels, (double)scale->bounds[i] * scale->unit,
                    total);
        else
            fprintf(out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, total);
    }
    int n_labels = (int)strlen(labels);
    const char *open = n_labels == 0 ? "" : "{", *close = n_labels == 0 ? "" : "}";
    n_labels -= n_labels > 0;
    fprintf(out, "%s_sum%s%.*s%s %.15g\n", name, open, n_labels, labels, close, (double)sum->sum * scale->unit);
    fprintf(out, "%s_count%s%.*s%s %" PRIu64 "\n", name, open, n_labels, labels, close, total);
}

static void write_histogram(FILE *out, const struct sight *sight, const struct family *family)
{
    const struct histogram_sum *sum = (const void *)((const char *)sight + family->offset);
    write_buckets(out, family->name, "", &histogram_of_ns, sum);
}

static void write_build(FILE *out, const struct sight *sight, const struct family *family)
{
    fprintf(out, "%s{version=\"%s\",engine=\"%s\"} 1\n", family->name, ACMEZONE_VERSION,
            sight->house->conf->database_engine);
}

static uint64_t sum_answers(const struct house *house, unsigned transport, unsigned type, unsigned rcode)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < server_n_workers(house->server); i++)
        sum += atomic_load_explicit(&server_tally(house->server, i)->answers[transport][type][rcode],
                                    memory_order_relaxed);
    return sum;
}

static void write_answers(FILE *out, const struct sight *sight, const struct family *family)
{
    for (unsigned transport = 0; transport < TALLY_N_TRANSPORTS; transport++)
        for (unsigned type = 0; type < TALLY_N_TYPES; type++)
            for (unsigned rcode = 0; rcode < TALLY_N_RCODES; rcode++)
                fprintf(out, "%s{transport=\"%s\",type=\"%s\",rcode=\"%s\"} %" PRIu64 "\n", family->name,
                        tally_transport(transport), tally_type(type), tally_rcode(rcode),
                        sum_answers(sight->house, transport, type, rcode));
}

static void write_requests(FILE *out, const struct sight *sight, const struct family *family)
{
    for (size_t route = 0; route < api_n_routes(); route++)
        for (unsigned status = 0; status < TRAFFIC_N_STATUSES; status++)
            fprintf(out, "%s{route=\"%s\",status=\"%s\"} %" PRIu64 "\n", family->name, api_route_name(route),
                    traffic_status(status),
                    atomic_load_explicit(&sight->api.traffic->routes[route].statuses[status], memory_order_relaxed));
}

static void write_durations(FILE *out, const struct sight *sight, const struct family *family)
{
    char labels[64];
    for (size_t route = 0; route < api_n_routes(); route++) {
        struct histogram_sum sum = {0};
        histogram_read(&sum, &sight->api.traffic->routes[route].ns);
        snprintf(labels, sizeof labels, "route=\"%s\",", api_route_name(route));
        write_buckets(out, family->name, labels, &histogram_of_ns, &sum);
    }
}

static void write_batches(FILE *out, const struct sight *sight, const struct family *family)
{
    struct histogram_sum sum = {0};
    histogram_read(&sum, &store_histograms(sight->house->store)->changes);
    write_buckets(out, family->name, "", &histogram_of_numbers, &sum);
}

// --- The table ---

// clang-format off
static const struct family families[] = {
#define COUNTERS(who_, name_, help_, ...)                                                                              \
    {.who = who_, .name = name_, .type = "counter", .help = help_, .write = write_counters,                            \
     .samples = (const struct sample[]){__VA_ARGS__, {0}}},
#define NUMBER(who_, name_, type_, help_, field_)                                                                      \
    {.who = who_, .name = name_, .type = type_, .help = help_, .write = write_number,                                  \
     .offset = offsetof(struct sight, field_)},
#define GAUGE(who_, name_, help_, field_) NUMBER(who_, name_, "gauge", help_, field_)
#define TOTAL(who_, name_, help_, field_) NUMBER(who_, name_, "counter", help_, field_)
#define HISTOGRAM(who_, name_, help_, field_)                                                                          \
    {.who = who_, .name = name_, .type = "histogram", .help = help_, .write = write_histogram,                         \
     .offset = offsetof(struct sight, field_)},
#define WRITTEN(who_, name_, type_, help_, write_)                                                                     \
    {.who = who_, .name = name_, .type = #type_, .help = help_, .write = write_},
#include "metrics.def"
#undef NUMBER
};

static const enum counter untold[] = {
#define GAUGE(...)
#define TOTAL(...)
#define HISTOGRAM(...)
#define WRITTEN(...)
#define UNTOLD(counter) counter,
#include "metrics.def"
};
// clang-format on

enum { N_FAMILIES = sizeof families / sizeof families[0], N_UNTOLD = sizeof untold / sizeof untold[0] };

static bool is_there(const struct sight *sight, const struct family *family)
{
    if (family->who == REPLICA && !sight->is_replica)
        return false;
    return family->write != write_number || !isnan(number_at(sight, family));
}

static void write_head(FILE *out, const struct family *family)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, family->type);
}

// Counters that no row names.
static void write_others(FILE *out, const struct sight *sight)
{
    static const struct {
        const char *name;
        const char *help;
    } counters[N_COUNTERS] = {
#define COUNTER_TEXTS(name, help) {"acmezone_" #name "_total", help "."},
        COUNTER_LIST(COUNTER_TEXTS)
#undef COUNTER_TEXTS
    };
    bool is_told[N_COUNTERS] = {0};
    for (size_t i = 0; i < N_UNTOLD; i++)
        is_told[untold[i]] = true;
    for (size_t i = 0; i < N_FAMILIES; i++)
        for (const struct sample *s = families[i].samples; s != NULL && s->labels != NULL; s++)
            is_told[s->counter] = true;
    for (unsigned i = 0; i < N_COUNTERS; i++) {
        const struct sample samples[] = {{"", i}, {0}};
        const struct family family = {
            .name = counters[i].name, .type = "counter", .help = counters[i].help, .samples = samples};
        if (is_told[i])
            continue;
        write_head(out, &family);
        write_counters(out, sight, &family);
    }
}

// --- The sight ---

static void see_dns(struct sight *sight)
{
    const struct house *house = sight->house;
    sight->workers = (double)server_n_workers(house->server);
    for (size_t i = 0; i < server_n_workers(house->server); i++)
        histogram_read(&sight->dns, &server_tally(house->server, i)->ns);
}

static void see_api(struct sight *sight)
{
    sight->api = api_status(sight->house->api);
    histogram_read(&sight->hash_wait, sight->api.hash_wait_ns);
    sight->hash_queue = (double)sight->api.n_hashes_waiting;
    sight->hash_queue_limit = (double)sight->house->conf->api_hash_queue;
    sight->certificate_expires_s =
        sight->api.certificate_expires_s == 0 ? NAN : (double)sight->api.certificate_expires_s;
}

static enum err read_usage(const struct house *house, struct store_usage *usage)
{
    enum err err = store_begin(house->metrics_reader);
    if (err != ERR_OK)
        return err;
    err = store_usage(house->metrics_reader, usage);
    store_end(house->metrics_reader);
    return err;
}

static void see_store(struct sight *sight)
{
    const struct house *house = sight->house;
    const struct store_histograms *histograms = store_histograms(house->store);
    struct store_usage usage;
    histogram_read(&sight->commit, &histograms->commit_ns);
    histogram_read(&sight->barrier, &histograms->barrier_ns);
    sight->writable = store_is_writable(house->store);
    bool is_read = read_usage(house, &usage) == ERR_OK;
    sight->accounts = is_read ? (double)usage.n_accounts : NAN;
    sight->map_bytes = is_read ? (double)usage.map_bytes : NAN;
    sight->used_bytes = is_read ? (double)usage.used_bytes : NAN;
    sight->reusable_bytes = is_read ? (double)usage.free_bytes : NAN;
    sight->disk_bytes = is_read ? (double)usage.disk_bytes : NAN;
    sight->disk_free_bytes = is_read ? (double)usage.disk_free_bytes : NAN;
}

static void see_replica(struct sight *sight)
{
    const struct store_status status = store_status(sight->house->store);
    sight->is_replica = status.state != NULL;
    sight->in_step = status.is_in_step;
    sight->stale = status.is_stale;
    sight->age_s = status.age_ms < 0 ? INFINITY : (double)status.age_ms / 1000;
    sight->lag = (double)status.n_lag;
    sight->live = (double)status.n_live;
}

static void see_process(struct sight *sight)
{
    const struct house *house = sight->house;
    uint64_t n_querylog = house->querylog == NULL ? 0 : log_n_lost(house->querylog);
    sight->log_lost = (double)(log_n_lost(house->log) + audit_n_lost(house->audit) + n_querylog);
    sight->vitals = vitals_read(&house->vitals);
    sight->start_s = house->vitals.start_s;
}

static void write_all(FILE *out, const struct sight *sight)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (!is_there(sight, &families[i]))
            continue;
        write_head(out, &families[i]);
        families[i].write(out, sight, &families[i]);
    }
    write_others(out, sight);
}

char *metrics_write(const struct house *house, size_t *n)
{
    struct sight sight = {.house = house};
    char *text = NULL;
    FILE *out = open_memstream(&text, n);
    if (out == NULL)
        return NULL;
    for (unsigned i = 0; i < N_COUNTERS; i++)
        sight.counters[i] = house_total(house, i);
    see_dns(&sight);
    see_api(&sight);
    see_store(&sight);
    see_replica(&sight);
    see_process(&sight);
    write_all(out, &sight);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

// SPDX-License-Identifier: MIT
// watch_metrics: the text format of Prometheus, for a scrape or for node_exporter's textfile collector.
#include "watch.h"

#include <stdlib.h>

struct metric {
    const char *name;
    const char *help;
    void (*print)(FILE *out, const char *name, const struct subject *subject);
    bool is_of_probe, is_of_domain;
};

// Label values in Prometheus escape three characters.
static void print_label(FILE *out, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '\\' || *text == '"')
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void print_subject(FILE *out, const char *name, const struct subject *subject)
{
    fprintf(out, "%s{%s=\"", name, subject->probe != NULL ? "probe" : "domain");
    print_label(out, subject->probe != NULL ? subject->probe->name : subject->name);
    if (subject->probe != NULL) {
        fputs("\",server=\"", out);
        print_label(out, subject->probe->server);
    }
    fputc('"', out);
}

static void print_state(FILE *out, const char *name, const struct subject *subject)
{
    for (enum standing_state state = 0; state < N_STANDINGS; state++) {
        print_subject(out, name, subject);
        fprintf(out, ",state=\"%s\"} %d\n", standing_word(state), state == subject->standing.state);
    }
}

static void print_number(FILE *out, const char *name, const struct subject *subject, double number)
{
    print_subject(out, name, subject);
    fprintf(out, "} %.3f\n", number);
}

static void print_since(FILE *out, const char *name, const struct subject *subject)
{
    print_number(out, name, subject, (double)subject->standing.since_s);
}

static void print_end(FILE *out, const char *name, const struct subject *subject)
{
    if (subject->standing.not_after_s != 0)
        print_number(out, name, subject, (double)subject->standing.not_after_s);
}

static void print_failures(FILE *out, const char *name, const struct subject *subject)
{
    for (size_t i = 0; i < WATCH_STEPS_MAX && subject->look.failed_steps[i] != NULL; i++) {
        print_subject(out, name, subject);
        fprintf(out, ",step=\"%s\"} 1\n", subject->look.failed_steps[i]);
    }
}

static void print_warnings(FILE *out, const char *name, const struct subject *subject)
{
    print_number(out, name, subject, subject->look.has_warnings);
}

static void print_looked(FILE *out, const char *name, const struct subject *subject)
{
    print_number(out, name, subject, (double)subject->look.looked_s);
}

static void print_took(FILE *out, const char *name, const struct subject *subject)
{
    print_number(out, name, subject, subject->look.took_ms / 1000.0);
}

static void print_probe_well(FILE *out, const char *name, const struct subject *subject)
{
    print_number(out, name, subject, subject->look.probe.is_well);
}

static void print_update(FILE *out, const char *name, const struct subject *subject)
{
    print_number(out, name, subject, subject->look.probe.update_ms / 1000.0);
}

static void print_dns(FILE *out, const char *name, const struct subject *subject)
{
    if (subject->look.probe.was_published)
        print_number(out, name, subject, subject->look.probe.dns_ms / 1000.0);
}

static const struct metric metrics[] = {
    {"acmezone_watch_state", "1 for the state a domain or a probed server is in.", print_state, true, true},
    {"acmezone_watch_since_seconds", "When it entered that state.", print_since, true, true},
    {"acmezone_watch_certificate_not_after_seconds", "End of the certificate.", print_end, false, true},
    {"acmezone_watch_step_failed", "Steps of the last check that failed.", print_failures, false, true},
    {"acmezone_watch_warnings", "Whether the last check had warnings.", print_warnings, false, true},
    {"acmezone_watch_looked_seconds", "Time of the last look.", print_looked, true, true},
    {"acmezone_watch_look_duration_seconds", "How long that took.", print_took, true, true},
    {"acmezone_watch_probe_success", "Whether the last probe went well.", print_probe_well, true, false},
    {"acmezone_watch_probe_update_seconds", "How long the API took for an update.", print_update, true, false},
    {"acmezone_watch_probe_dns_seconds", "How long until DNS had it on every address.", print_dns, true, false},
};

char *watch_metrics(const struct watch *watch)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (out == NULL)
        return NULL;
    for (size_t m = 0; m < sizeof metrics / sizeof metrics[0]; m++) {
        fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", metrics[m].name, metrics[m].help, metrics[m].name);
        for (size_t i = 0; i < watch_n(watch); i++) {
            const struct subject *subject = watch_subject(watch, i);
            bool is_wanted = subject->probe != NULL ? metrics[m].is_of_probe : metrics[m].is_of_domain;
            if (is_wanted && subject->look.looked_s != 0)
                metrics[m].print(out, metrics[m].name, subject);
        }
    }
    return fclose(out) == 0 ? text : NULL;
}

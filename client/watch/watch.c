// SPDX-License-Identifier: MIT
// watch: check (the delegation) and peek (the certificate) make a sight; standing makes a state of it; alert tells.
#include "watch.h"

#include "ask.h"
#include "newfile.h"
#include "peek.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, VERSION = 1, MODE_STATE = 0600, MODE_METRICS = 0644 };

struct watch {
    const struct watch_options *options;
    json_t *known; // what the state file had: {name: standing}
    int lock;
    size_t n;
    struct subject *subjects;
};

// -- The state file

static enum err lock_state(struct watch *watch)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s.lock", watch->options->state_file);
    watch->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, MODE_STATE);
    if (watch->lock < 0) {
        fprintf(stderr, "acmezone watch: %s: %s\n", path, strerror(errno));
        return ERR_SYSTEM;
    }
    if (flock(watch->lock, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    fprintf(stderr, "acmezone watch: %s: another watch keeps its state there\n", watch->options->state_file);
    return ERR_BUSY;
}

static enum err read_state(struct watch *watch)
{
    const char *file = watch->options->state_file;
    json_error_t error;
    json_t *object = json_load_file(file, 0, &error);
    json_t *domains = json_object_get(object, "domains");
    if (json_is_object(domains) && json_integer_value(json_object_get(object, "version")) == VERSION) {
        watch->known = json_incref(domains);
        json_decref(object);
        return ERR_OK;
    }
    json_decref(object);
    watch->known = json_object();
    if (watch->known == NULL)
        return ERR_MEMORY;
    if (access(file, F_OK) != 0 && errno == ENOENT)
        return ERR_OK;
    char bad[PATH_MAX];
    snprintf(bad, sizeof bad, "%s.bad", file);
    if (access(file, R_OK) != 0 || rename(file, bad) != 0) {
        fprintf(stderr, "acmezone watch: %s: %s\n", file, strerror(errno));
        return ERR_SYSTEM;
    }
    fprintf(stderr, "acmezone watch: %s: not a state file; it is now %s, and everything is looked at anew\n", file,
            bad);
    return ERR_OK;
}

// Subjects that are no longer watched stay known, for the day they are again.
static void write_state(struct watch *watch)
{
    for (size_t i = 0; i < watch->n; i++)
        if (watch->subjects[i].standing.is_known)
            json_object_set_new(watch->known, watch->subjects[i].name, standing_json(&watch->subjects[i].standing));
    json_t *object = json_pack("{s:i, s:O}", "version", VERSION, "domains", watch->known);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(object);
    if (text == NULL || newfile_write(watch->options->state_file, bytes_of_text(text), MODE_STATE) != ERR_OK)
        fprintf(stderr, "acmezone watch: %s: %s\n", watch->options->state_file, strerror(errno));
    free(text);
}

static void write_metrics(const struct watch *watch)
{
    if (watch->options->metrics_file == NULL)
        return;
    char *text = watch_metrics(watch);
    if (text == NULL || newfile_write(watch->options->metrics_file, bytes_of_text(text), MODE_METRICS) != ERR_OK)
        fprintf(stderr, "acmezone watch: %s: %s\n", watch->options->metrics_file, strerror(errno));
    free(text);
}

enum err watch_open(struct watch **watch, const struct watch_options *options)
{
    struct watch *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ERR_MEMORY;
    *made = (struct watch){.options = options, .lock = -1};
    enum err err = lock_state(made);
    if (err == ERR_OK)
        err = read_state(made);
    if (err != ERR_OK) {
        watch_close(made);
        return err;
    }
    *watch = made;
    return ERR_OK;
}

void watch_close(struct watch *watch)
{
    if (watch->lock >= 0)
        close(watch->lock);
    json_decref(watch->known);
    free(watch->subjects);
    free(watch);
}

// -- What is watched

static enum err add(struct watch *watch, const struct subject *subject)
{
    for (size_t i = 0; i < watch->n; i++)
        if (strcasecmp(watch->subjects[i].name, subject->name) == 0)
            return ERR_EXISTS;
    struct subject *longer = realloc(watch->subjects, (watch->n + 1) * sizeof *longer);
    if (longer == NULL)
        return ERR_MEMORY;
    watch->subjects = longer;
    longer[watch->n] = *subject;
    standing_read(&longer[watch->n].standing, json_object_get(watch->known, subject->name));
    watch->n++;
    return ERR_OK;
}

static bool is_domain(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n < CHECK_DOMAIN_MAX &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.*") == n;
}

enum err watch_add(struct watch *watch, const char *domain, const char *place, const char *expect)
{
    struct subject *subject = calloc(1, sizeof *subject);
    if (subject == NULL)
        return ERR_MEMORY;
    const char *host = strncmp(domain, "*.", 2) == 0 ? domain + 2 : domain;
    bool is_sound = is_domain(domain) && (place == NULL || strlen(place) < sizeof subject->place) &&
                    (expect == NULL || is_domain(expect));
    if (is_sound) {
        for (size_t i = 0; domain[i] != 0; i++)
            subject->name[i] = (char)tolower((unsigned char)domain[i]);
        if (place == NULL)
            snprintf(subject->place, sizeof subject->place, "%s:443", host);
        else if (strcmp(place, "-") != 0)
            snprintf(subject->place, sizeof subject->place, "%s", place);
        snprintf(subject->expect, sizeof subject->expect, "%s", expect == NULL ? "" : expect);
    }
    enum err err = is_sound ? add(watch, subject) : ERR_SYNTAX;
    free(subject);
    return err;
}

static enum err add_line(struct watch *watch, char *line)
{
    char *comment = strchr(line, '#'), *rest;
    if (comment != NULL)
        *comment = 0;
    const char *domain = strtok_r(line, " \t\r\n", &rest);
    if (domain == NULL)
        return ERR_OK;
    const char *place = strtok_r(NULL, " \t\r\n", &rest);
    const char *expect = place == NULL ? NULL : strtok_r(NULL, " \t\r\n", &rest);
    if (expect != NULL && strtok_r(NULL, " \t\r\n", &rest) != NULL)
        return ERR_SYNTAX;
    return watch_add(watch, domain, place, expect);
}

enum err watch_add_file(struct watch *watch, const char *file)
{
    FILE *in = fopen(file, "re");
    if (in == NULL) {
        fprintf(stderr, "acmezone watch: %s: %s\n", file, strerror(errno));
        return ERR_NOT_FOUND;
    }
    char line[LINE_MAX_BYTES];
    enum err err = ERR_OK;
    for (unsigned n = 1; err == ERR_OK && fgets(line, sizeof line, in) != NULL; n++) {
        err = add_line(watch, line);
        if (err == ERR_EXISTS)
            fprintf(stderr, "acmezone watch: %s:%u: the domain is listed twice\n", file, n);
        else if (err != ERR_OK)
            fprintf(stderr, "acmezone watch: %s:%u: this is not DOMAIN [HOST:PORT | /FILE | - [FULLDOMAIN]]\n", file,
                    n);
    }
    fclose(in);
    return err == ERR_EXISTS ? ERR_SYNTAX : err;
}

enum err watch_add_probes(struct watch *watch, const struct probes *probes)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < probes->n && err == ERR_OK; i++) {
        struct subject *subject = calloc(1, sizeof *subject);
        if (subject == NULL)
            return ERR_MEMORY;
        subject->probe = &probes->at[i];
        snprintf(subject->name, sizeof subject->name, "probe %.200s at %.400s", probes->at[i].name,
                 probes->at[i].server);
        err = add(watch, subject);
        free(subject);
    }
    return err;
}

size_t watch_n(const struct watch *watch)
{
    return watch->n;
}

const struct subject *watch_subject(const struct watch *watch, size_t i)
{
    return &watch->subjects[i];
}

// -- One look

// The first failure, with its fix; the words of all that failed are noted.
static void read_findings(const struct check *check, struct watch_look *look, struct sight *sight, char *reason)
{
    size_t n = 0;
    for (const struct finding *one = check_findings(check); one != NULL; one = one->next) {
        look->has_warnings |= one->verdict == VERDICT_WARN;
        if (one->verdict != VERDICT_FAIL)
            continue;
        bool is_new = n == 0 || strcmp(look->failed_steps[n - 1], one->step) != 0;
        if (is_new && n < WATCH_STEPS_MAX)
            look->failed_steps[n++] = one->step;
        if (sight->is_delegated)
            snprintf(reason, STANDING_REASON_MAX, "%s: %.300s", one->step, one->text);
        sight->is_delegated = false;
    }
    sight->delegation = reason;
    sight->has_value = check_has_value(check);
}

static void look_at_domain(const struct watch *watch, struct subject *subject, struct sight *sight, char *reason)
{
    struct check_options options = watch->options->check;
    if (subject->expect[0] != 0)
        options.expect = subject->expect;
    struct check *check;
    enum err err = check_run(&check, subject->name, &options);
    if (err != ERR_OK) {
        snprintf(reason, STANDING_REASON_MAX, "%s", err_text(err));
        sight->is_delegated = false;
        sight->delegation = reason;
        return;
    }
    read_findings(check, &subject->look, sight, reason);
    check_free(check);
}

static void look_at_probe(const struct watch *watch, struct subject *subject, struct sight *sight, char *reason)
{
    const struct check_options *check = &watch->options->check;
    struct walk_options walk = {.roots = check->roots,
                                .n_roots = check->n_roots,
                                .timeout_ms = check->timeout_ms,
                                .n_tries = check->n_tries,
                                .deadline_ms = check->deadline_ms};
    struct probe_options options = {.walk = &walk, .ca_file = check->ca_file, .timeout_ms = watch->options->timeout_ms};
    probe_run(subject->probe, &options, &subject->look.probe);
    snprintf(reason, STANDING_REASON_MAX, "%s", subject->look.probe.reason);
    sight->is_delegated = subject->look.probe.is_well;
    sight->delegation = reason;
    subject->standing.was_verified = true; // a server that fails from the first day on is broken, not pending
}

static void tell(const struct watch *watch, struct subject *subject, int64_t now_s)
{
    struct standing *standing = &subject->standing;
    char key[STANDING_KEY_MAX];
    standing_key(standing, &watch->options->rules, now_s, key);
    const struct alert_options *options = &watch->options->alert;
    bool has_ear = options->command != NULL || options->url != NULL;
    if (!has_ear || strcmp(key, standing->alerted) == 0)
        return;
    struct alert alert = {.domain = subject->name, .standing = standing, .key = key, .now_s = now_s};
    if (alert_send(&alert, options) == ERR_OK)
        memcpy(standing->alerted, key, sizeof key);
}

bool watch_look(struct watch *watch, size_t i)
{
    struct subject *subject = &watch->subjects[i];
    int64_t began_ms = ask_now_ms();
    char reason[STANDING_REASON_MAX] = "";
    struct peek found = {.state = CERTIFICATE_NONE};
    struct sight sight = {.is_delegated = true, .has_place = subject->place[0] != 0, .now_s = time(NULL)};
    subject->look = (struct watch_look){.looked_s = sight.now_s};
    if (subject->probe != NULL)
        look_at_probe(watch, subject, &sight, reason);
    else
        look_at_domain(watch, subject, &sight, reason);
    if (sight.has_place)
        peek(&found, &(struct peek_options){.place = subject->place,
                                            .domain = subject->name,
                                            .ca_file = watch->options->check.ca_file,
                                            .timeout_ms = watch->options->timeout_ms});
    sight.certificate = found.state;
    sight.certificate_reason = found.reason;
    sight.not_after_s = found.not_after_s;
    bool has_changed = standing_update(&subject->standing, &sight, &watch->options->rules);
    if (subject->probe != NULL && subject->look.probe.is_well)
        memcpy(subject->standing.reason, reason, sizeof reason);
    subject->look.took_ms = (unsigned)(ask_now_ms() - began_ms);
    tell(watch, subject, sight.now_s);
    write_state(watch);
    write_metrics(watch);
    return has_changed;
}

// SPDX-License-Identifier: MIT
// config: defaults, then the file, then the environment, then one look over the whole (config_check).
//
// Each of the three sources goes through option_set, so a default that is out of its own range would trip the
// assert in set_defaults. What is wrong is told and the walk goes on: an option that was refused keeps its default, and
// is_bad keeps the check from telling what only follows from that. A conf with errors is never handed out.
#include "config.h"

#include "config_check.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define FILE_MAX_BYTES (1 << 20)

static const char *const DEFAULT_FILES[] = {"/etc/acme-dns/config.cfg", "./config.cfg"};

void config_free(struct conf *conf)
{
    if (conf != NULL)
        arena_free(conf->arena); // which holds conf too
}

static enum err set_defaults(struct conf *conf)
{
    char why[OPTION_WHY_MAX];
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        struct toml_value value = {.kind = TOML_TEXT, .text = OPTIONS[id].fallback};
        enum err err = option_set(&OPTIONS[id], conf, &value, why);
        assert(err != ERR_SYNTAX);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static enum err conf_new(struct conf **conf)
{
    struct arena *arena;
    enum err err = arena_new(&arena);
    if (err != ERR_OK)
        return err;
    struct conf *made = arena_take(arena, 1, sizeof *made);
    if (made != NULL)
        made->arena = arena;
    err = made == NULL ? ERR_MEMORY : set_defaults(made);
    if (err != ERR_OK) {
        arena_free(arena);
        return err;
    }
    *conf = made;
    return ERR_OK;
}

// One character too many, too few, another one, or two swapped.
static bool is_near(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    if (*a == 0 || *b == 0)
        return strlen(a) + strlen(b) == 1;
    return strcmp(a + 1, b) == 0 || strcmp(a, b + 1) == 0 || strcmp(a + 1, b + 1) == 0 ||
           (a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0);
}

static void warn_unknown(struct config_report *report, const struct toml_entry *entry)
{
    if (option_is_gone(entry->section, entry->key)) {
        config_warn_at(report, entry->line, "[%.60s] %.60s: has no effect here", entry->section, entry->key);
        return;
    }
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        bool is_here = strcasecmp(OPTIONS[id].section, entry->section) == 0;
        if (is_here ? is_near(entry->key, OPTIONS[id].key) : strcasecmp(entry->key, OPTIONS[id].key) == 0) {
            config_warn_at(report, entry->line, "[%.60s] %.60s: unknown, ignored; did you mean [%s] %s?",
                           entry->section, entry->key, OPTIONS[id].section, OPTIONS[id].key);
            return;
        }
    }
    config_warn_at(report, entry->line, "[%.60s] %.60s: unknown, ignored", entry->section, entry->key);
}

// ERR_MEMORY; what is wrong with the value is told.
static enum err set_told(struct conf *conf, struct config_report *report, enum option_id id,
                         const struct toml_value *value)
{
    char why[OPTION_WHY_MAX];
    enum err err = option_set(&OPTIONS[id], conf, value, why);
    if (err != ERR_SYNTAX)
        return err;
    config_error(report, id, "%s", why);
    return ERR_OK;
}

static enum err read_text(struct conf *conf, struct config_report *report, struct bytes text)
{
    struct toml_entry *entries;
    struct toml_error error;
    enum err err = toml_parse(text, conf->arena, &entries, &error);
    if (err == ERR_SYNTAX)
        config_error_at(report, error.line, "%s", error.text);
    if (err != ERR_OK)
        return err;
    for (const struct toml_entry *entry = entries; entry != NULL; entry = entry->next) {
        enum option_id id = option_find(entry->section, entry->key);
        if (id == N_OPTIONS) {
            warn_unknown(report, entry);
            continue;
        }
        unsigned first = report->origins[id].line;
        report->origins[id].source = CONFIG_FILE;
        report->origins[id].line = entry->line;
        if (first != 0)
            config_error(report, id, "given a second time, after line %u", first);
        err = set_told(conf, report, id, &entry->value);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

// True for an array as in the file, and not for "[::1]:53".
static bool is_array(const char *text)
{
    return text[0] == '[' && strchr("\"']", text[1 + strspn(text + 1, " \t\r\n")]) != NULL;
}

static enum err read_variable(struct conf *conf, struct config_report *report, enum option_id id, const char *text)
{
    struct toml_value value = {.kind = TOML_TEXT, .text = text};
    struct toml_error error;
    report->origins[id].source = CONFIG_ENVIRONMENT;
    if (option_is_list(&OPTIONS[id]) && is_array(text)) {
        enum err err = toml_parse_value(bytes_of_text(text), conf->arena, &value, &error);
        if (err == ERR_SYNTAX)
            config_error(report, id, "%s", error.text);
        if (err != ERR_OK)
            return err == ERR_SYNTAX ? ERR_OK : err;
    }
    return set_told(conf, report, id, &value);
}

// Variables that begin like ours and are none of ours are likely misspelt.
static void warn_variables(struct config_report *report)
{
    struct config_report nowhere = {.sink = report->sink};
    for (char *const *variable = environ; *variable != NULL; variable++) {
        int n = (int)strcspn(*variable, "=");
        bool is_ours = false, is_known = false;
        for (enum option_id id = 0; id < N_OPTIONS && !is_known; id++) {
            char name[OPTION_ENVIRONMENT_MAX];
            size_t n_front = sizeof "ACMEZONE_" + strlen(OPTIONS[id].section);
            option_environment(&OPTIONS[id], name);
            is_ours = is_ours || strncmp(*variable, name, n_front) == 0;
            is_known = (size_t)n == strlen(name) && strncmp(*variable, name, (size_t)n) == 0;
        }
        if (is_ours && !is_known)
            config_warn_at(&nowhere, 0, "%.*s: unknown, ignored", n > 80 ? 80 : n, *variable);
    }
}

static enum err read_environment(struct conf *conf, struct config_report *report)
{
    char name[OPTION_ENVIRONMENT_MAX];
    warn_variables(report);
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        const char *text = getenv(option_environment(&OPTIONS[id], name));
        enum err err = text == NULL ? ERR_OK : read_variable(conf, report, id, text);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

enum err config_load_text(struct conf **conf, struct bytes text, const char *name, struct config_sink sink)
{
    struct config_report report = {.sink = sink, .file = name};
    struct conf *made = NULL;
    enum err err = conf_new(&made);
    if (err == ERR_OK)
        err = read_text(made, &report, text);
    if (err == ERR_OK)
        err = read_environment(made, &report);
    if (err == ERR_OK)
        err = config_check(made, &report);
    if (err == ERR_OK) {
        made->file = arena_take_text(made->arena, bytes_of_text(name));
        err = made->file == NULL ? ERR_MEMORY : ERR_OK;
    }
    if (err == ERR_OK && report.n_errors > 0)
        err = ERR_SYNTAX;
    if (err == ERR_MEMORY)
        config_error_at(&report, 0, "%s", err_text(err));
    if (err == ERR_OK)
        *conf = made;
    else
        config_free(made);
    return err;
}

// Reads until the end, FILE_MAX_BYTES at most. ERR_SYSTEM with errno; ERR_TOO_LARGE; ERR_MEMORY.
static enum err read_all(int fd, char **text, size_t *n)
{
    char *buffer = malloc(FILE_MAX_BYTES + 1);
    if (buffer == NULL)
        return ERR_MEMORY;
    size_t n_read = 0;
    ssize_t got = 1;
    while (got != 0 && n_read <= FILE_MAX_BYTES) {
        got = read(fd, buffer + n_read, FILE_MAX_BYTES + 1 - n_read);
        if (got < 0 && errno != EINTR) {
            free(buffer);
            return ERR_SYSTEM;
        }
        n_read += got > 0 ? (size_t)got : 0;
    }
    if (n_read > FILE_MAX_BYTES) {
        free(buffer);
        return ERR_TOO_LARGE;
    }
    *text = buffer;
    *n = n_read;
    return ERR_OK;
}

// Opens `*file`, or finds it. ERR_NOT_FOUND or ERR_SYSTEM: told.
static enum err open_file(const char **file, struct config_report *report, int *fd)
{
    const char *const *tried = *file != NULL ? file : DEFAULT_FILES;
    size_t n = *file != NULL ? 1 : sizeof DEFAULT_FILES / sizeof *DEFAULT_FILES;
    for (size_t i = 0; i < n; i++) {
        int opened = open(tried[i], O_RDONLY | O_CLOEXEC);
        bool is_absent = opened < 0 && (errno == ENOENT || errno == ENOTDIR);
        if (is_absent && i + 1 < n)
            continue;
        if (is_absent && *file == NULL)
            break;
        report->file = *file = tried[i];
        if (opened < 0)
            config_error_at(report, 0, "%s", strerror(errno));
        *fd = opened;
        return opened >= 0 ? ERR_OK : is_absent ? ERR_NOT_FOUND : ERR_SYSTEM;
    }
    config_error_at(report, 0, "no configuration file: there is neither %s nor %s", DEFAULT_FILES[0], DEFAULT_FILES[1]);
    return ERR_NOT_FOUND;
}

enum err config_load(struct conf **conf, const char *file, struct config_sink sink)
{
    struct config_report report = {.sink = sink};
    char *text = NULL;
    size_t n = 0;
    int fd = -1;
    enum err err = open_file(&file, &report, &fd);
    if (err != ERR_OK)
        return err;
    err = read_all(fd, &text, &n);
    if (err != ERR_OK)
        config_error_at(&report, 0, "%s",
                        err == ERR_SYSTEM      ? strerror(errno)
                        : err == ERR_TOO_LARGE ? "larger than 1 MiB"
                                               : err_text(err));
    close(fd);
    if (err == ERR_OK)
        err = config_load_text(conf, (struct bytes){(const uint8_t *)text, n}, file, sink);
    free(text);
    return err;
}

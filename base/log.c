// SPDX-License-Identifier: MIT
// A line is assembled in a buffer on the caller's stack by a writer that stops at the buffer's end, then leaves in one
// write(2); the file is opened with O_APPEND, so lines of several threads never mix. log_reopen puts the new file under
// the old descriptor number with dup2, so writers need no lock: a line lands in the old file or in the new one, whole.
#include "log.h"

#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct log {
    enum log_level level;
    bool is_json;
    bool is_stdout_as_well;
    _Atomic bool is_ready;
    char *file;
    int fd;
    _Atomic uint64_t n_lost;
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static int open_file(const char *file)
{
    return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

enum err log_open(struct log **log, const struct log_options *options)
{
    struct log *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->level = options->level;
    self->is_json = options->is_json;
    self->fd = STDOUT_FILENO;
    if (options->file != NULL) {
        self->is_stdout_as_well = options->is_stdout_as_well;
        self->file = strdup(options->file);
        self->fd = open_file(options->file);
        if (self->file == NULL || self->fd < 0) {
            int saved = errno;
            free(self->file);
            free(self);
            errno = saved;
            return ERR_SYSTEM;
        }
    }
    *log = self;
    return ERR_OK;
}

void log_close(struct log *log)
{
    if (log == NULL)
        return;
    if (log->file != NULL)
        close(log->fd);
    free(log->file);
    free(log);
}

void log_ready(struct log *log)
{
    atomic_store_explicit(&log->is_ready, true, memory_order_relaxed);
}

enum err log_reopen(struct log *log)
{
    if (log->file == NULL)
        return ERR_OK;
    int fd = open_file(log->file);
    if (fd < 0)
        return ERR_SYSTEM;
    int status = dup3(fd, log->fd, O_CLOEXEC);
    int saved = errno;
    close(fd);
    errno = saved;
    return status < 0 ? ERR_SYSTEM : ERR_OK;
}

uint64_t log_n_lost(const struct log *log)
{
    return atomic_load_explicit(&log->n_lost, memory_order_relaxed);
}

static void put_text(struct writer *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

static void put_time(struct writer *w)
{
    struct timespec now;
    struct tm parts;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    put_bytes(w, text, n);
    snprintf(text, sizeof text, ".%03dZ", (int)(now.tv_nsec / 1000000));
    put_text(w, text);
}

// One character as JSON wants it. Bytes past ASCII go through: values are UTF-8 or are shown as they came.
static void put_escaped(struct writer *w, unsigned char c)
{
    char text[8];
    if (c == '"' || c == '\\') {
        put_u8(w, '\\');
        put_u8(w, c);
    } else if (c < 0x20 || c == 0x7f) {
        snprintf(text, sizeof text, "\\u%04x", c);
        put_text(w, text);
    } else {
        put_u8(w, c);
    }
}

static void put_quoted(struct writer *w, const char *text)
{
    put_u8(w, '"');
    for (; *text != '\0'; text++)
        put_escaped(w, (unsigned char)*text);
    put_u8(w, '"');
}

static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f)
            return false;
    return *text != '\0';
}

static void put_value(struct writer *w, const struct log_field *field, bool is_json)
{
    char number[24];
    const char *text = field->text == NULL ? "-" : field->text;
    if (field->kind == LOG_KIND_INT) {
        snprintf(number, sizeof number, "%" PRId64, field->number);
        put_text(w, number);
    } else if (is_json || !is_plain(text)) {
        put_quoted(w, text);
    } else {
        put_text(w, text);
    }
}

static void put_json_line(struct writer *w, enum log_level level, const char *event, const struct log_field *fields)
{
    put_text(w, "{\"time\":\"");
    put_time(w);
    put_text(w, "\",\"level\":");
    put_quoted(w, level_names[level]);
    put_text(w, ",\"event\":");
    put_quoted(w, event);
    for (; fields->key != NULL; fields++) {
        put_u8(w, ',');
        put_quoted(w, fields->key);
        put_u8(w, ':');
        put_value(w, fields, true);
    }
    put_u8(w, '}');
}

static void put_fields(struct writer *w, const struct log_field *fields)
{
    for (; fields->key != NULL; fields++) {
        put_u8(w, ' ');
        put_text(w, fields->key);
        put_u8(w, '=');
        put_value(w, fields, false);
    }
}

static void put_text_line(struct writer *w, enum log_level level, const char *event, const struct log_field *fields)
{
    put_time(w);
    put_u8(w, ' ');
    put_text(w, level_names[level]);
    put_u8(w, ' ');
    put_text(w, event);
    put_fields(w, fields);
}

// For the person who starts the server.
static void put_start_line(struct writer *w, enum log_level level, const char *event, const struct log_field *fields)
{
    put_text(w, "acmezone: ");
    put_text(w, level_names[level]);
    put_text(w, ": ");
    put_text(w, event);
    put_fields(w, fields);
}

static void write_line(struct log *log, int fd, const uint8_t *line, size_t n)
{
    ssize_t written;
    do
        written = write(fd, line, n);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)n)
        atomic_fetch_add_explicit(&log->n_lost, 1, memory_order_relaxed);
}

typedef void put_line(struct writer *w, enum log_level level, const char *event, const struct log_field *fields);

// A line and its line feed; one that is too long goes without its fields and says so.
static size_t make_line(uint8_t line[LOG_LINE_MAX], put_line *put, enum log_level level, const char *event,
                        const struct log_field *fields)
{
    struct writer w = writer_of(line, LOG_LINE_MAX - 1);
    put(&w, level, event, fields);
    if (w.is_bad) {
        w = writer_of(line, LOG_LINE_MAX - 1);
        put(&w, level, event, (const struct log_field[]){LOG_STR("note", "line too long"), {0}});
    }
    size_t n = writer_used(&w);
    line[n] = '\n';
    return n + 1;
}

void log_write_fields(struct log *log, enum log_level level, const char *event, const struct log_field *fields)
{
    if (log == NULL || level > log->level)
        return;
    uint8_t line[LOG_LINE_MAX];
    bool is_start_error = level == LOG_ERROR && !atomic_load_explicit(&log->is_ready, memory_order_relaxed);
    if (is_start_error)
        write_line(log, STDERR_FILENO, line, make_line(line, put_start_line, level, event, fields));
    if (is_start_error && log->file == NULL)
        return;
    size_t n = make_line(line, log->is_json ? put_json_line : put_text_line, level, event, fields);
    write_line(log, log->fd, line, n);
    if (log->is_stdout_as_well && !is_start_error)
        write_line(log, STDOUT_FILENO, line, n);
}

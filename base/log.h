// SPDX-License-Identifier: MIT
// log: one event a line, an event name first and typed fields after it, as text or as JSON.
//
//     log_write(log, LOG_INFO, "update.refused", LOG_STR("reason", "password"), LOG_INT("status", 401));
//     2026-11-21T23:09:14.123Z info update.refused reason=password status=401
//     {"time":"2026-11-21T23:09:14.123Z","level":"info","event":"update.refused","reason":"password","status":401}
//
// Never pass a password, a key or a token as a field. Field keys are literals in snake_case. Values of text that hold
// blanks, quotes, '=' or control characters are quoted and escaped as JSON strings, so a line is always one line and
// cannot be forged. Any thread may write: a line is put together on the stack (at most LOG_LINE_MAX bytes; the fields
// of a longer one are left out) and leaves in one write(2). Writing a line cannot fail visibly: what could not be
// written is counted.
#pragma once

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_LINE_MAX 4096

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log;

enum log_kind { LOG_KIND_TEXT, LOG_KIND_INT };

struct log_field {
    const char *key;
    enum log_kind kind;
    const char *text; // borrowed for the call; a null pointer prints as "-"
    int64_t number;
};

#define LOG_STR(key_, text_)   ((struct log_field){.key = (key_), .kind = LOG_KIND_TEXT, .text = (text_)})
#define LOG_INT(key_, number_) ((struct log_field){.key = (key_), .kind = LOG_KIND_INT, .number = (int64_t)(number_)})
#define LOG_ERR(err_)          LOG_STR("error", err_text(err_))

struct log_options {
    enum log_level level;
    bool is_json;
    const char *file;       // appended to, created 0640; a null pointer: standard output
    bool is_stdout_as_well; // with a file: standard output gets each line too
};

// Opens the log; it is freed by log_close. Until log_ready, errors go to standard error as text and, when there is a
// log file, to that; not to standard output: who starts a server by hand sees why it does not start, once. ERR_SYSTEM:
// the file cannot be opened, errno says why; nothing has been printed.
enum err log_open(struct log **log, const struct log_options *options);
void log_close(struct log *log);

// The start is over: from now on errors go where every line goes.
void log_ready(struct log *log);

// Opens the file anew under the same name (after logrotate moved it). ERR_SYSTEM: the old one stays in use, errno says
// why.
enum err log_reopen(struct log *log);

// Lines that could not be written since the start.
uint64_t log_n_lost(const struct log *log);

#define log_write(log, level, ...)         LOG_WRITE_(log, level, __VA_ARGS__, {0})
#define LOG_WRITE_(log, level, event, ...) log_write_fields(log, level, event, (const struct log_field[]){__VA_ARGS__})

// `fields` ends with one whose key is a null pointer; log_write adds it. A null `log` writes nothing.
void log_write_fields(struct log *log, enum log_level level, const char *event, const struct log_field *fields);

// SPDX-License-Identifier: MIT
// logbook: a folder for log files, and what became of them.
#pragma once

#include "log.h"
#include "tempdir.h"

struct logbook {
    struct tempdir dir;
    struct log *log; // closed with the folder
};

// Setup and teardown of cmocka.
int logbook_make(void **state);
int logbook_remove(void **state);

// A log into the file "log", ready.
struct log *logbook_open(struct logbook *book, bool is_json, enum log_level level);

// All of a file, which is empty from then on. To be freed.
char *logbook_take(const struct logbook *book, const char *name);

// The same, which must be like an extended regular expression.
void logbook_expect(const struct logbook *book, const char *name, const char *pattern);

// How a line of text begins.
#define LOGBOOK_TIME "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

// SPDX-License-Identifier: MIT
// Files are emptied when they are read, so each look sees what is new.
#include "logbook.h"

#include "expect.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int logbook_make(void **state)
{
    struct logbook *book = calloc(1, sizeof *book);
    assert_non_null(book);
    tempdir_make(&book->dir);
    *state = book;
    return 0;
}

int logbook_remove(void **state)
{
    struct logbook *book = *state;
    log_close(book->log);
    tempdir_remove(&book->dir);
    free(book);
    return 0;
}

struct log *logbook_open(struct logbook *book, bool is_json, enum log_level level)
{
    char path[TEMPDIR_PATH_MAX];
    const struct log_options options = {
        .level = level, .is_json = is_json, .file = tempdir_join(&book->dir, "log", path)};
    expect_ok(log_open(&book->log, &options));
    log_ready(book->log);
    return book->log;
}

char *logbook_take(const struct logbook *book, const char *name)
{
    char path[TEMPDIR_PATH_MAX];
    size_t n;
    char *text = tempdir_read(&book->dir, name, &n);
    assert_int_equal(strlen(text), n); // no NUL in it
    assert_int_equal(truncate(tempdir_join(&book->dir, name, path), 0), 0);
    return text;
}

void logbook_expect(const struct logbook *book, const char *name, const char *pattern)
{
    regex_t regex;
    char *text = logbook_take(book, name);
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" is not like %s", text, pattern);
    regfree(&regex);
    free(text);
}

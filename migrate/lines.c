// SPDX-License-Identifier: MIT
// The source made of JSON lines. A file that begins with the head of an export must end with its end, so one that was
// cut short is refused as a whole; a list somebody wrote by hand needs neither.
#include "line.h"
#include "source_kind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 1 << 20 };

struct lines {
    FILE *file;
    char *text; // of the line, getline's
    size_t n_room;
    uint64_t number; // of the line
    uint64_t n_accounts;
    bool has_head;
    bool has_end;
};

static bool is_lines(const char *)
{
    return true;
}

static enum err open_lines(void **out, const char *where, struct source_note *note)
{
    bool is_stdin = strcmp(where, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(where, "re");
    if (file == NULL)
        return source_fail(note, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s", strerror(errno));
    struct lines *self = calloc(1, sizeof *self);
    if (self == NULL) {
        if (!is_stdin)
            fclose(file);
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    }
    self->file = file;
    *out = self;
    return ERR_OK;
}

static void close_lines(void *arg)
{
    struct lines *self = arg;
    if (self->file != stdin)
        fclose(self->file);
    free(self->text);
    free(self);
}

// The end of the file.
static enum err finish(struct lines *self, struct source_note *note)
{
    if (ferror(self->file))
        return source_fail(note, ERR_SYSTEM, "it cannot be read: %s", strerror(errno));
    if (self->has_head && !self->has_end)
        return source_fail(note, ERR_CORRUPT, "it was cut short: its last line, {\"accounts\":N}, is missing");
    if (self->number == 0)
        return source_fail(note, ERR_CORRUPT, "it is empty");
    return ERR_NOT_FOUND;
}

static enum err take_head(struct lines *self, const struct line *line, struct source_note *note)
{
    if (self->number != 1)
        return source_fail(note, ERR_CORRUPT, "line %llu: the head of another export",
                           (unsigned long long)self->number);
    if (line->number != LINE_VERSION)
        return source_fail(note, ERR_NEWER, "it was written by a newer version: format %llu, this program knows %d",
                           (unsigned long long)line->number, LINE_VERSION);
    self->has_head = true;
    return ERR_OK;
}

static enum err take_end(struct lines *self, const struct line *line, struct source_note *note)
{
    if (line->number != self->n_accounts)
        return source_fail(note, ERR_CORRUPT, "its last line speaks of %llu accounts, but there are %llu",
                           (unsigned long long)line->number, (unsigned long long)self->n_accounts);
    self->has_end = true;
    return ERR_OK;
}

static enum err take_line(struct lines *self, struct bytes text, struct entry *entry, struct source_note *note,
                          bool *is_account)
{
    char label[32];
    struct line line;
    snprintf(label, sizeof label, "line %llu", (unsigned long long)self->number);
    enum err err = self->has_end || text.n > LINE_MAX_BYTES ? ERR_SYNTAX : line_read(text, &line, entry);
    if (err == ERR_MEMORY)
        return source_fail(note, err, "%s", err_text(err));
    // A file whose first line is no JSON is no such file at all.
    if (err == ERR_SYNTAX && self->number == 1)
        return source_fail(note, ERR_CORRUPT, "it is neither an SQLite database nor JSON lines");
    *is_account = err == ERR_SYNTAX || line.kind == LINE_ACCOUNT;
    if (!*is_account)
        return line.kind == LINE_HEAD ? take_head(self, &line, note) : take_end(self, &line, note);
    self->n_accounts++;
    if (err == ERR_SYNTAX || line.skip != SKIP_NONE)
        return source_skip(note, err == ERR_SYNTAX ? SKIP_LINE : line.skip, bytes_of_text(label));
    return ERR_OK;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == 0;
}

static enum err next_line(void *arg, struct entry *entry, struct source_note *note)
{
    struct lines *self = arg;
    bool is_account = false;
    while (!is_account) {
        ssize_t n = getline(&self->text, &self->n_room, self->file);
        if (n < 0)
            return finish(self, note);
        self->number++;
        if (is_blank(self->text) && strlen(self->text) == (size_t)n)
            continue;
        enum err err =
            take_line(self, (struct bytes){(const uint8_t *)self->text, (size_t)n}, entry, note, &is_account);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static uint64_t count_accounts(const void *)
{
    return 0;
}

const struct source_kind lines_source = {"JSON lines", is_lines, open_lines, next_line, count_accounts, close_lines};

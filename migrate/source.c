// SPDX-License-Identifier: MIT
// A table of kinds, asked in turn whether the source is theirs; JSON lines come last, they take any file.
#include "source_kind.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct source {
    const struct source_kind *kind;
    void *self;
};

static const struct source_kind *const kinds[] = {&postgres_source, &sqlite_source, &lines_source};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

enum err source_open(struct source **source, const char *where, struct source_note *note)
{
    size_t i = 0;
    while (i < N_KINDS - 1 && !kinds[i]->is_it(where))
        i++;
    struct source *made = malloc(sizeof *made);
    if (made == NULL)
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    made->kind = kinds[i];
    enum err err = kinds[i]->open(&made->self, where, note);
    if (err != ERR_OK)
        free(made);
    else
        *source = made;
    return err;
}

void source_close(struct source *source)
{
    if (source == NULL)
        return;
    source->kind->close(source->self);
    free(source);
}

enum err source_next(struct source *source, struct entry *entry, struct source_note *note)
{
    return source->kind->next(source->self, entry, note);
}

uint64_t source_n_accounts(const struct source *source)
{
    return source->kind->n_accounts(source->self);
}

const char *source_name(const struct source *source)
{
    return source->kind->name;
}

// A label goes to a terminal: what is not printable ASCII is shown as '?'.
enum err source_skip(struct source_note *note, enum skip skip, struct bytes label)
{
    size_t n = label.n < sizeof note->label ? label.n : sizeof note->label - 1;
    note->skip = skip;
    for (size_t i = 0; i < n; i++)
        note->label[i] = isprint(label.at[i]) ? (char)label.at[i] : '?';
    note->label[n] = 0;
    return ERR_SYNTAX;
}

enum err source_fail(struct source_note *note, enum err err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note->why, sizeof note->why, format, arguments);
    va_end(arguments);
    note->why[strcspn(note->why, "\r\n")] = 0; // libraries end theirs with a line feed
    return err;
}

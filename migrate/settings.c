// SPDX-License-Identifier: MIT
// The two lines that say where the accounts are, engine and connection, are found by the reader of all configuration
// and replaced; every other line is passed on unread.
#include "settings.h"

#include "source_kind.h"
#include "toml.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1 << 20, PATH_MAX_BYTES = 4200 };

struct settings {
    struct arena *arena;
    char *text;
    size_t n_text;
    unsigned engine_line;
    unsigned connection_line;
    const char *engine;
    const char *connection;
    char source[PATH_MAX_BYTES];
};

static enum err read_file(struct settings *self, const char *file, struct source_note *note)
{
    FILE *in = fopen(file, "re");
    if (in == NULL)
        return source_fail(note, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s: %s", file, strerror(errno));
    self->text = malloc(FILE_MAX_BYTES);
    if (self->text != NULL)
        self->n_text = fread(self->text, 1, FILE_MAX_BYTES, in);
    bool is_bad = ferror(in) != 0;
    fclose(in);
    if (self->text == NULL)
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    if (is_bad || self->n_text == FILE_MAX_BYTES)
        return source_fail(note, is_bad ? ERR_SYSTEM : ERR_TOO_LARGE, "%s: %s", file,
                           is_bad ? "it cannot be read" : "larger than 1 MiB");
    return ERR_OK;
}

static enum err find_database(struct settings *self, const char *file, struct source_note *note)
{
    struct toml_entry *entries;
    struct toml_error error;
    enum err err = toml_parse((struct bytes){(const uint8_t *)self->text, self->n_text}, self->arena, &entries, &error);
    if (err == ERR_SYNTAX)
        return source_fail(note, err, "%s:%u: %s", file, error.line, error.text);
    if (err != ERR_OK)
        return source_fail(note, err, "%s", err_text(err));
    for (const struct toml_entry *entry = entries; entry != NULL; entry = entry->next) {
        if (strcasecmp(entry->section, "database") != 0 || entry->value.kind != TOML_TEXT)
            continue;
        if (strcasecmp(entry->key, "engine") == 0) {
            self->engine = entry->value.text;
            self->engine_line = entry->line;
        } else if (strcasecmp(entry->key, "connection") == 0) {
            self->connection = entry->value.text;
            self->connection_line = entry->line;
        }
    }
    if (self->engine == NULL || self->connection == NULL)
        return source_fail(note, ERR_SYNTAX, "%s: it has no [database] engine and connection", file);
    return ERR_OK;
}

// A file of SQLite under the name that acme-dns knows it by, which may be relative to where acme-dns is started.
static void find_file(struct settings *self, const char *file)
{
    const char *slash = strrchr(file, '/');
    int n = (int)strcspn(self->connection, "?");
    snprintf(self->source, sizeof self->source, "%.*s", n, self->connection);
    if (self->connection[0] == '/' || slash == NULL || access(self->source, F_OK) == 0 ||
        strncmp(self->connection, "file:", 5) == 0)
        return;
    snprintf(self->source, sizeof self->source, "%.*s/%.*s", (int)(slash - file), file, n, self->connection);
}

static enum err read_settings(struct settings *self, const char *file, struct source_note *note)
{
    enum err err = read_file(self, file, note);
    if (err == ERR_OK)
        err = find_database(self, file, note);
    if (err != ERR_OK)
        return err;
    if (strcasecmp(self->engine, "sqlite3") == 0 || strcasecmp(self->engine, "sqlite") == 0)
        find_file(self, file);
    else if (strcasecmp(self->engine, "postgres") == 0)
        snprintf(self->source, sizeof self->source, "%s", self->connection);
    else
        return source_fail(note, ERR_SYNTAX, "%s: engine \"%.40s\" is none of acme-dns", file, self->engine);
    return ERR_OK;
}

enum err settings_read(struct settings **settings, const char *file, struct source_note *note)
{
    struct settings *self = calloc(1, sizeof *self);
    if (self == NULL || arena_new(&self->arena) != ERR_OK) {
        free(self);
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    }
    enum err err = read_settings(self, file, note);
    if (err == ERR_OK)
        *settings = self;
    else
        settings_free(self);
    return err;
}

void settings_free(struct settings *self)
{
    if (self == NULL)
        return;
    arena_free(self->arena);
    free(self->text);
    free(self);
}

const char *settings_source(const struct settings *self)
{
    return self->source;
}

void settings_write(const struct settings *self, const char *directory, FILE *out)
{
    const char *at = self->text, *end = self->text + self->n_text;
    for (unsigned line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop + 1;
        if (line == self->engine_line)
            fputs("engine = \"lmdb\"\n", out);
        else if (line == self->connection_line)
            fprintf(out, "connection = \"%s\"\n", directory);
        else
            fwrite(at, 1, (size_t)(stop - at), out);
        at = stop;
    }
}

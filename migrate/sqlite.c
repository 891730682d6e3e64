// SPDX-License-Identifier: MIT
// The source that is an acme-dns database in a file of SQLite. The door of libsqlite3 for reading.
//
// It is opened read-only and read in one transaction, so it may be in use: what acme-dns writes meanwhile waits, for as
// long as the file is read, and is not seen. acme-dns binds its hashes as blobs; they are read like texts.
#include "acmedns.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUSY_MS = 10000 };

struct sqlite {
    sqlite3 *db;
    sqlite3_stmt *rows;
    struct acmedns acmedns;
    uint64_t n_accounts;
};

static const char magic[16] = "SQLite format 3";

// The drivers of acme-dns take options behind the file's name, and so may a connection string.
static void write_path(const char *where, char path[static 4096])
{
    bool is_uri = strncmp(where, "file:", 5) == 0;
    const char *start = is_uri ? where + 5 : where;
    snprintf(path, 4096, "%.*s", (int)strcspn(start, "?"), start);
}

static bool is_sqlite(const char *where)
{
    char path[4096], start[sizeof magic];
    write_path(where, path);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool is_magic = fread(start, sizeof start, 1, file) == 1 && memcmp(start, magic, sizeof magic) == 0;
    fclose(file);
    return is_magic;
}

static enum err fail(const struct sqlite *self, struct source_note *note)
{
    int status = sqlite3_errcode(self->db);
    enum err err = status == SQLITE_NOMEM                                ? ERR_MEMORY
                   : status == SQLITE_CORRUPT || status == SQLITE_NOTADB ? ERR_CORRUPT
                                                                         : ERR_STORE;
    if (status == SQLITE_READONLY) // its journal wants to be rolled back, and that means to write
        return source_fail(note, err,
                           "acme-dns was killed in the middle of a change: start acme-dns once, it tidies up");
    return source_fail(note, err, "SQLite: %s", sqlite3_errmsg(self->db));
}

// The first column of the first row; `fallback` when there is none.
static enum err ask(const struct sqlite *self, const char *query, int64_t fallback, int64_t *number,
                    struct source_note *note)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(self->db, query, -1, &statement, NULL) != SQLITE_OK)
        return fail(self, note);
    int status = sqlite3_step(statement);
    *number = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : fallback;
    sqlite3_finalize(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? ERR_OK : fail(self, note);
}

static enum err find_shape(const struct sqlite *self, struct acmedns_shape *shape, struct source_note *note)
{
    static const char *const queries[] = {
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'records'",
        "SELECT count(*) FROM pragma_table_info('records') WHERE lower(name) = 'value'",
        "SELECT count(*) FROM pragma_table_info('records') WHERE lower(name) = 'lastactive'",
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'txt'",
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'acmedns'",
    };
    int64_t found[5] = {0}, version = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < 5 && err == ERR_OK; i++)
        err = ask(self, queries[i], 0, &found[i], note);
    if (err == ERR_OK && found[4] > 0)
        err = ask(self, ACMEDNS_VERSION, 0, &version, note);
    if (err != ERR_OK)
        return err;
    *shape = (struct acmedns_shape){found[0] > 0, found[1] > 0, found[2] > 0, found[3] > 0, (long)version};
    return ERR_OK;
}

static struct bytes column(sqlite3_stmt *rows, int i)
{
    const uint8_t *at = sqlite3_column_blob(rows, i);
    return (struct bytes){at, at == NULL ? 0 : (size_t)sqlite3_column_bytes(rows, i)};
}

static enum err fetch(void *arg, struct acmedns_row *row, struct source_note *note)
{
    struct sqlite *self = arg;
    int status = sqlite3_step(self->rows);
    if (status == SQLITE_DONE)
        return ERR_NOT_FOUND;
    if (status != SQLITE_ROW)
        return fail(self, note);
    int64_t at_s = sqlite3_column_int64(self->rows, 5);
    *row = (struct acmedns_row){column(self->rows, 0), column(self->rows, 1), column(self->rows, 2),
                                column(self->rows, 3), column(self->rows, 4), at_s < 0 ? 0 : (uint64_t)at_s};
    return ERR_OK;
}

static enum err start(struct sqlite *self, const char *path, struct source_note *note)
{
    struct acmedns_shape shape;
    const char *query;
    int64_t n = 0;
    if (sqlite3_open_v2(path, &self->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(self->db, BUSY_MS) != SQLITE_OK ||
        sqlite3_exec(self->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return fail(self, note);
    enum err err = find_shape(self, &shape, note);
    if (err == ERR_OK)
        err = acmedns_query(&shape, &query, note);
    if (err == ERR_OK)
        err = ask(self, ACMEDNS_COUNT, 0, &n, note);
    if (err == ERR_OK && sqlite3_prepare_v2(self->db, query, -1, &self->rows, NULL) != SQLITE_OK)
        err = fail(self, note);
    self->n_accounts = (uint64_t)n;
    self->acmedns = (struct acmedns){.fetch = fetch, .self = self};
    return err;
}

static void close_sqlite(void *arg)
{
    struct sqlite *self = arg;
    sqlite3_finalize(self->rows);
    sqlite3_close(self->db);
    free(self);
}

static enum err open_sqlite(void **out, const char *where, struct source_note *note)
{
    char path[4096];
    struct sqlite *self = calloc(1, sizeof *self);
    if (self == NULL)
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    write_path(where, path);
    enum err err = start(self, path, note);
    if (err != ERR_OK)
        close_sqlite(self);
    else
        *out = self;
    return err;
}

static enum err next_sqlite(void *arg, struct entry *entry, struct source_note *note)
{
    struct sqlite *self = arg;
    return acmedns_next(&self->acmedns, entry, note);
}

static uint64_t count_accounts(const void *arg)
{
    const struct sqlite *self = arg;
    return self->n_accounts;
}

const struct source_kind sqlite_source = {
    "acme-dns database (SQLite)", is_sqlite, open_sqlite, next_sqlite, count_accounts, close_sqlite};

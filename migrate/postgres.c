// SPDX-License-Identifier: MIT
// The source that is an acme-dns database in PostgreSQL. The door of libpq.
//
// It is read in one transaction that sees one moment (REPEATABLE READ, READ ONLY), through a cursor, some thousand rows
// at a time. What libpq says of a connection string that it cannot read may repeat the password, so it is not passed
// on.
#include "acmedns.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

struct postgres {
    PGconn *connection;
    PGresult *rows; // some of them
    int n_rows;
    int next;
    struct acmedns acmedns;
    uint64_t n_accounts;
};

static bool is_postgres(const char *where)
{
    static const char *const starts[] = {
        "postgres://", "postgresql://", "host=", "hostaddr=", "user=", "dbname=", "port=", "service="};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(where, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static enum err fail(const struct postgres *self, struct source_note *note)
{
    return source_fail(note, ERR_STORE, "%s", PQerrorMessage(self->connection));
}

static enum err run(const struct postgres *self, const char *query, struct source_note *note)
{
    PGresult *result = PQexec(self->connection, query);
    bool is_done = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return is_done ? ERR_OK : fail(self, note);
}

// The number in the first column of the first row, 0 when there is none.
static enum err ask(const struct postgres *self, const char *query, long long *number, struct source_note *note)
{
    PGresult *result = PQexec(self->connection, query);
    bool is_done = PQresultStatus(result) == PGRES_TUPLES_OK;
    *number = is_done && PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return is_done ? ERR_OK : fail(self, note);
}

static enum err find_shape(const struct postgres *self, struct acmedns_shape *shape, struct source_note *note)
{
#define HAS_COLUMN(name)                                                                                               \
    "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('records') AND attname = '" name                   \
    "' AND NOT attisdropped"
    static const char *const queries[] = {"SELECT count(*) WHERE to_regclass('records') IS NOT NULL",
                                          HAS_COLUMN("value"), HAS_COLUMN("lastactive"),
                                          "SELECT count(*) WHERE to_regclass('txt') IS NOT NULL",
                                          "SELECT count(*) WHERE to_regclass('acmedns') IS NOT NULL"};
#undef HAS_COLUMN
    long long found[5] = {0}, version = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < 5 && err == ERR_OK; i++)
        err = ask(self, queries[i], &found[i], note);
    if (err == ERR_OK && found[4] > 0)
        err = ask(self, ACMEDNS_VERSION, &version, note);
    if (err != ERR_OK)
        return err;
    *shape = (struct acmedns_shape){found[0] > 0, found[1] > 0, found[2] > 0, found[3] > 0, (long)version};
    return ERR_OK;
}

static struct bytes column(const struct postgres *self, int i)
{
    return (struct bytes){(const uint8_t *)PQgetvalue(self->rows, self->next, i),
                          (size_t)PQgetlength(self->rows, self->next, i)};
}

// The row before has been used: its memory may go.
static enum err fetch(void *arg, struct acmedns_row *row, struct source_note *note)
{
    struct postgres *self = arg;
    if (++self->next >= self->n_rows) {
        PQclear(self->rows);
        self->rows = PQexec(self->connection, "FETCH 8192 FROM import");
        if (PQresultStatus(self->rows) != PGRES_TUPLES_OK)
            return fail(self, note);
        self->n_rows = PQntuples(self->rows);
        self->next = 0;
        if (self->n_rows == 0)
            return ERR_NOT_FOUND;
    }
    long long at_s = strtoll(PQgetvalue(self->rows, self->next, 5), NULL, 10);
    *row = (struct acmedns_row){column(self, 0), column(self, 1), column(self, 2),
                                column(self, 3), column(self, 4), at_s < 0 ? 0 : (uint64_t)at_s};
    return ERR_OK;
}

static enum err declare(const struct postgres *self, const char *query, struct source_note *note)
{
    char text[1024];
    snprintf(text, sizeof text, "DECLARE import NO SCROLL CURSOR FOR %s", query);
    return run(self, text, note);
}

static enum err start(struct postgres *self, struct source_note *note)
{
    struct acmedns_shape shape;
    const char *query;
    long long n = 0;
    enum err err = run(self, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", note);
    if (err == ERR_OK)
        err = find_shape(self, &shape, note);
    if (err == ERR_OK)
        err = acmedns_query(&shape, &query, note);
    if (err == ERR_OK)
        err = ask(self, ACMEDNS_COUNT, &n, note);
    if (err == ERR_OK)
        err = declare(self, query, note);
    self->n_accounts = (uint64_t)n;
    self->acmedns = (struct acmedns){.fetch = fetch, .self = self};
    return err;
}

// A password with '@', ':' or '/' that was not escaped ends up in the host, the port or the database, which libpq
// tells.
static bool is_whole(const PQconninfoOption *options)
{
    for (; options->keyword != NULL; options++) {
        const char *value = options->val == NULL ? "" : options->val;
        if (strcmp(options->keyword, "port") == 0 && value[strspn(value, "0123456789,")] != 0)
            return false;
        if ((strcmp(options->keyword, "host") == 0 || strcmp(options->keyword, "dbname") == 0) &&
            strchr(value, '@') != NULL)
            return false;
    }
    return true;
}

// What is wrong with a string as a whole is told without it, and of an option only its name.
static enum err check_string(const char *where, struct source_note *note)
{
    static const char invalid[] = "invalid URI query parameter";
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(where, &message);
    bool is_sound = options != NULL && is_whole(options);
    PQconninfoFree(options);
    if (is_sound)
        return ERR_OK;
    enum err err = ERR_SYNTAX;
    if (message != NULL && strncmp(message, invalid, sizeof invalid - 1) == 0)
        err = source_fail(note, err, "the connection string: %s; libpq does not know it, leave it out", message);
    else
        err = source_fail(note, err,
                          "the connection string is none that libpq can read: "
                          "postgres://USER:PASSWORD@HOST/DATABASE, with %%XX for special characters");
    PQfreemem(message);
    return err;
}

static void close_postgres(void *arg)
{
    struct postgres *self = arg;
    PQclear(self->rows);
    PQfinish(self->connection);
    free(self);
}

static enum err connect_to(struct postgres *self, const char *where, struct source_note *note)
{
    // What stands in the string wins over what comes before it.
    static const char *const names[] = {"connect_timeout", "application_name", "dbname", NULL};
    const char *const values[] = {"10", "acmezone import", where, NULL};
    self->connection = PQconnectdbParams(names, values, 1);
    return PQstatus(self->connection) == CONNECTION_OK ? ERR_OK : fail(self, note);
}

static enum err open_postgres(void **out, const char *where, struct source_note *note)
{
    enum err err = check_string(where, note);
    if (err != ERR_OK)
        return err;
    struct postgres *self = calloc(1, sizeof *self);
    if (self == NULL)
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    err = connect_to(self, where, note);
    if (err == ERR_OK)
        err = start(self, note);
    if (err != ERR_OK)
        close_postgres(self);
    else
        *out = self;
    return err;
}

static enum err next_postgres(void *arg, struct entry *entry, struct source_note *note)
{
    struct postgres *self = arg;
    return acmedns_next(&self->acmedns, entry, note);
}

static uint64_t count_accounts(const void *arg)
{
    const struct postgres *self = arg;
    return self->n_accounts;
}

const struct source_kind postgres_source = {
    "acme-dns database (PostgreSQL)", is_postgres, open_postgres, next_postgres, count_accounts, close_postgres};

// SPDX-License-Identifier: MIT
// One transaction. Hashes are bound as blobs, as acme-dns does it; each account has its two rows of values from the
// start, because acme-dns only ever overwrites the older one.
#include "acmedns_file.h"

#include "line.h"
#include "source_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4200 };

struct acmedns_file {
    sqlite3 *db;
    sqlite3_stmt *record;
    sqlite3_stmt *value;
    char path[PATH_MAX_BYTES];
    char draft[PATH_MAX_BYTES];
};

static const char schema[] =
    "CREATE TABLE acmedns(Name TEXT, Value TEXT);"
    "CREATE TABLE records(Username TEXT UNIQUE NOT NULL PRIMARY KEY, Password TEXT UNIQUE NOT NULL,"
    " Subdomain TEXT UNIQUE NOT NULL, AllowFrom TEXT);"
    "CREATE TABLE txt(Subdomain TEXT NOT NULL, Value TEXT NOT NULL DEFAULT '', LastUpdate INT);"
    "INSERT INTO acmedns (Name, Value) VALUES ('db_version', '1');";

static enum err fail(const struct acmedns_file *self, struct source_note *note)
{
    int status = sqlite3_errcode(self->db);
    enum err err = status == SQLITE_NOMEM ? ERR_MEMORY : status == SQLITE_FULL ? ERR_FULL : ERR_STORE;
    return source_fail(note, err, "SQLite: %s", sqlite3_errmsg(self->db));
}

static enum err run(const struct acmedns_file *self, const char *statement, struct source_note *note)
{
    return sqlite3_exec(self->db, statement, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : fail(self, note);
}

// An empty file, mode 0600, that SQLite takes for a database.
static enum err make_draft(struct acmedns_file *self, const char *path, struct source_note *note)
{
    int n = snprintf(self->draft, sizeof self->draft, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof self->draft)
        return source_fail(note, ERR_RANGE, "the file's name is too long");
    memcpy(self->path, path, strlen(path) + 1);
    if (access(path, F_OK) == 0)
        return source_fail(note, ERR_EXISTS, "%s is there already", path);
    int fd = mkostemp(self->draft, O_CLOEXEC);
    if (fd < 0)
        return source_fail(note, ERR_SYSTEM, "%s: %s", path, strerror(errno));
    close(fd);
    return ERR_OK;
}

static enum err make_tables(struct acmedns_file *self, struct source_note *note)
{
    if (sqlite3_open_v2(self->draft, &self->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return fail(self, note);
    enum err err = run(self, "PRAGMA journal_mode = OFF", note); // what is not whole is thrown away
    if (err == ERR_OK)
        err = run(self, "BEGIN", note);
    if (err == ERR_OK)
        err = run(self, schema, note);
    if (err == ERR_OK &&
        (sqlite3_prepare_v2(self->db, "INSERT INTO records VALUES (?, ?, ?, ?)", -1, &self->record, NULL) !=
             SQLITE_OK ||
         sqlite3_prepare_v2(self->db, "INSERT INTO txt VALUES (?, ?, ?)", -1, &self->value, NULL) != SQLITE_OK))
        err = fail(self, note);
    return err;
}

enum err acmedns_file_open(struct acmedns_file **file, const char *path, struct source_note *note)
{
    struct acmedns_file *self = calloc(1, sizeof *self);
    if (self == NULL)
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    enum err err = make_draft(self, path, note);
    if (err != ERR_OK) {
        free(self);
        return err;
    }
    err = make_tables(self, note);
    if (err == ERR_OK)
        *file = self;
    else
        (void)!acmedns_file_close(self, false, note);
    return err;
}

static void bind_text(sqlite3_stmt *statement, int i, struct bytes text)
{
    sqlite3_bind_text(statement, i, (const char *)text.at, (int)text.n, SQLITE_STATIC);
}

static enum err step(const struct acmedns_file *self, sqlite3_stmt *statement, struct source_note *note)
{
    int status = sqlite3_step(statement);
    sqlite3_reset(statement);
    return status == SQLITE_DONE ? ERR_OK : fail(self, note);
}

static enum err add_value(const struct acmedns_file *self, struct bytes subdomain, struct entry_value value,
                          struct source_note *note)
{
    // The first character-string; those of challenges have no other.
    size_t n = value.rdata.n > 0 ? value.rdata.at[0] : 0;
    bind_text(self->value, 1, subdomain);
    sqlite3_bind_text(self->value, 2, n == 0 ? "" : (const char *)value.rdata.at + 1, (int)n, SQLITE_STATIC);
    sqlite3_bind_int64(self->value, 3, (sqlite3_int64)value.at_s);
    return step(self, self->value, note);
}

static enum err add_values(const struct acmedns_file *self, const struct store_entry *entry, struct source_note *note)
{
    const struct txt *txt = &entry->txt;
    struct entry_value older = {.at_s = 0}, younger = {.at_s = 0};
    struct reader rdata = reader_of(txt->rdata.at, txt->rdata.n), times = reader_of(txt->times.at, txt->times.n);
    for (unsigned i = 0; i < txt->n_values && !rdata.is_bad; i++) {
        size_t n = take_u16(&rdata);
        older = younger;
        younger.rdata.at = take_bytes(&rdata, n);
        younger.rdata.n = younger.rdata.at == NULL ? 0 : n;
        younger.at_s = take_u64(&times);
    }
    enum err err = add_value(self, entry->account.subdomain, older, note);
    if (err == ERR_OK)
        err = add_value(self, entry->account.subdomain, younger, note);
    return err;
}

enum err acmedns_file_add(struct acmedns_file *self, const struct store_entry *entry, struct source_note *note)
{
    const struct account *account = &entry->account;
    char username[UUID_TEXT_SIZE];
    uuid_write(&account->username, username);
    char *networks = line_write_networks(account->allowfrom);
    if (networks == NULL)
        return source_fail(note, ERR_MEMORY, "%s", err_text(ERR_MEMORY));
    bind_text(self->record, 1, bytes_of_text(username));
    sqlite3_bind_blob(self->record, 2, account->hash.at, (int)account->hash.n, SQLITE_STATIC);
    bind_text(self->record, 3, account->subdomain);
    bind_text(self->record, 4, bytes_of_text(networks));
    enum err err = step(self, self->record, note);
    free(networks);
    return err == ERR_OK ? add_values(self, entry, note) : err;
}

// Nobody may have made a file of that name meanwhile: link does not replace.
static enum err name_draft(const struct acmedns_file *self, struct source_note *note)
{
    int fd = open(self->draft, O_RDONLY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (is_synced && link(self->draft, self->path) == 0)
        return ERR_OK;
    return source_fail(note, errno == EEXIST ? ERR_EXISTS : ERR_SYSTEM, "%s: %s", self->path, strerror(errno));
}

enum err acmedns_file_close(struct acmedns_file *self, bool is_whole, struct source_note *note)
{
    enum err err = is_whole ? run(self, "COMMIT", note) : ERR_OK;
    sqlite3_finalize(self->record);
    sqlite3_finalize(self->value);
    sqlite3_close(self->db);
    if (is_whole && err == ERR_OK)
        err = name_draft(self, note);
    unlink(self->draft);
    free(self);
    return err;
}

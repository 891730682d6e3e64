// SPDX-License-Identifier: MIT
// acmedns: how acme-dns keeps its accounts, whatever the database: its queries, and its rows put together to entries.
//
// One row of a query is an account with one of its values, or with none. The rows of an account follow each other, the
// oldest value first.
#pragma once

#include "source_kind.h"

struct acmedns_row {
    struct bytes username;
    struct bytes password; // the hash
    struct bytes subdomain;
    struct bytes allowfrom; // JSON
    struct bytes value;     // empty: none
    uint64_t at_s;
};

// The next row, valid until the next call. ERR_NOT_FOUND: no more. Other errors have been noted.
typedef enum err (*acmedns_fetch)(void *self, struct acmedns_row *row, struct source_note *note);

struct acmedns {
    acmedns_fetch fetch;
    void *self;
    struct acmedns_row row; // has been fetched, is not used yet
    bool has_row;
    bool is_done; // there are no more: SQLite would begin anew
};

// As source_next.
enum err acmedns_next(struct acmedns *acmedns, struct entry *entry, struct source_note *note);

// What was found out about the database.
struct acmedns_shape {
    bool has_records;     // the table
    bool has_value;       // its column, in which version 0 kept the value
    bool has_last_active; // its column
    bool has_txt;         // the table, in which version 1 keeps them
    long version;         // as it says itself; 0 when it does not
};

// The query to read it with. ERR_SYNTAX: not of acme-dns. ERR_NEWER. Both noted.
enum err acmedns_query(const struct acmedns_shape *shape, const char **query, struct source_note *note);

#define ACMEDNS_COUNT   "SELECT count(*) FROM records"
#define ACMEDNS_VERSION "SELECT Value FROM acmedns WHERE Name = 'db_version'"

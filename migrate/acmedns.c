// SPDX-License-Identifier: MIT
// Version 0 of the database (acme-dns 0.1) had one value in the account's row. Version 1, of all releases since, has a
// table of values with two rows for each account, empty ones at first; with SQLite the columns of version 0 stay behind
// and mean nothing any more. Neither table of values has an index on the subdomain: the join lets the database make
// one.
#include "acmedns.h"

#include "line.h"

enum { VERSION_MAX = 1 };

static const char with_values[] =
    "SELECT r.Username, r.Password, r.Subdomain, r.AllowFrom, t.Value, t.LastUpdate FROM records r "
    "LEFT JOIN (SELECT Subdomain, Value, LastUpdate, rowid AS nth FROM txt WHERE Value <> '') t "
    "ON t.Subdomain = r.Subdomain ORDER BY r.Username, t.LastUpdate, t.nth";

static const char with_one_value[] =
    "SELECT Username, Password, Subdomain, AllowFrom, Value, LastActive FROM records ORDER BY Username";

static const char without_values[] =
    "SELECT Username, Password, Subdomain, AllowFrom, NULL, NULL FROM records ORDER BY Username";

enum err acmedns_query(const struct acmedns_shape *shape, const char **query, struct source_note *note)
{
    if (!shape->has_records)
        return source_fail(note, ERR_SYNTAX, "it is no database of acme-dns: it has no table \"records\"");
    if (shape->version < 0 || shape->version > VERSION_MAX)
        return source_fail(note, ERR_NEWER, "its version is %ld; acmezone knows 0 and 1", shape->version);
    if (shape->version == 0 && shape->has_value && shape->has_last_active)
        *query = with_one_value;
    else
        *query = shape->has_txt ? with_values : without_values;
    return ERR_OK;
}

static enum skip take_account(struct entry *entry, const struct acmedns_row *row)
{
    entry_begin(entry);
    enum skip skip = entry_set_username(entry, row->username);
    if (skip == SKIP_NONE)
        skip = entry_set_subdomain(entry, row->subdomain);
    if (skip == SKIP_NONE)
        skip = entry_set_hash(entry, row->password);
    if (skip == SKIP_NONE)
        skip = line_read_networks(row->allowfrom, entry);
    return skip;
}

static enum err fetch(struct acmedns *acmedns, struct source_note *note)
{
    enum err err = acmedns->is_done ? ERR_NOT_FOUND : acmedns->fetch(acmedns->self, &acmedns->row, note);
    acmedns->is_done = err == ERR_NOT_FOUND;
    acmedns->has_row = err == ERR_OK;
    return err;
}

enum err acmedns_next(struct acmedns *acmedns, struct entry *entry, struct source_note *note)
{
    struct acmedns_row *row = &acmedns->row;
    enum err err = acmedns->has_row ? ERR_OK : fetch(acmedns, note);
    if (err != ERR_OK)
        return err;
    uint8_t name[SOURCE_LABEL_MAX];
    struct bytes label = {name, row->username.n < sizeof name ? row->username.n : sizeof name};
    size_t n_username = row->username.n;
    if (label.n > 0)
        memcpy(name, row->username.at, label.n);
    enum skip skip = take_account(entry, row);
    do {
        if (row->value.n > 0 && skip == SKIP_NONE)
            entry_add_text(entry, row->value, row->at_s);
        err = fetch(acmedns, note);
    } while (err == ERR_OK && row->username.n == n_username &&
             bytes_equal((struct bytes){row->username.at, label.n}, label));
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    return skip == SKIP_NONE ? ERR_OK : source_skip(note, skip, label);
}

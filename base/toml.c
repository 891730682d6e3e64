// SPDX-License-Identifier: MIT
// toml: a text is lines, a line is a table or `key = value`.
//
// The text is walked once by recursive descent without recursion, since nothing that nests is read. Every refusal goes
// through toml_refuse, which notes the line; the first one ends the walk. Tables and entries hang in lists, and what
// comes a second time is found by walking them: the limit on keys keeps that short whatever is thrown at it.
#include "toml_value.h"

struct table {
    const char *name;
    struct table *next;
};

struct document {
    struct toml_cursor cursor;
    size_t n_keys;
    struct table *tables; // the last one first: it is the current one
    struct toml_entry *entries;
    struct toml_entry **tail; // where the next entry is hung
};

// What stands behind a table or a value on its line: nothing.
static enum err take_line_end(struct toml_cursor *p)
{
    toml_skip_blanks(p);
    uint8_t c = toml_peek(p, 0);
    if (p->at < p->end && c != '\n' && c != '\r' && c != '#')
        return toml_refuse(p, "expected the end of the line, found %s", toml_found(p));
    return ERR_OK;
}

static enum err take_bare_key(struct toml_cursor *p, const char *what, const char **key)
{
    size_t n = 0;
    while (toml_is_bare(toml_peek(p, n)))
        n++;
    if (n == 0)
        return toml_refuse(p, "expected a %s, found %s", what, toml_found(p));
    *key = arena_take_text(p->arena, (struct bytes){p->at, n});
    p->at += n;
    return *key == NULL ? ERR_MEMORY : ERR_OK;
}

// A bare or quoted key and the blanks around it. `what`: "key" or "table", for messages.
static enum err take_key(struct document *doc, const char *what, const char **key)
{
    struct toml_cursor *p = &doc->cursor;
    toml_skip_blanks(p);
    bool is_quoted = toml_peek(p, 0) == '"' || toml_peek(p, 0) == '\'';
    enum err err = is_quoted ? toml_take_string(p, key) : take_bare_key(p, what, key);
    if (err != ERR_OK)
        return err;
    toml_skip_blanks(p);
    if (toml_peek(p, 0) == '.')
        return toml_refuse(p, "a dotted %s, which is not supported", what);
    if (++doc->n_keys > TOML_KEYS_MAX)
        return toml_refuse(p, "more than %d keys", TOML_KEYS_MAX);
    return ERR_OK;
}

static enum err take_table(struct document *doc)
{
    struct toml_cursor *p = &doc->cursor;
    if (toml_peek(p, 1) == '[')
        return toml_refuse(p, "an array of tables, which is not supported");
    struct table *table = arena_take(p->arena, 1, sizeof *table);
    if (table == NULL)
        return ERR_MEMORY;
    p->at++;
    enum err err = take_key(doc, "table", &table->name);
    if (err != ERR_OK)
        return err;
    if (toml_peek(p, 0) != ']')
        return toml_refuse(p, "expected ']', found %s", toml_found(p));
    p->at++;
    for (const struct table *other = doc->tables; other != NULL; other = other->next) {
        if (strcmp(other->name, table->name) == 0)
            return toml_refuse(p, "a table for the second time");
    }
    table->next = doc->tables;
    doc->tables = table;
    return take_line_end(p);
}

static enum err take_entry(struct document *doc)
{
    struct toml_cursor *p = &doc->cursor;
    struct toml_entry *entry = arena_take(p->arena, 1, sizeof *entry);
    if (entry == NULL)
        return ERR_MEMORY;
    entry->section = doc->tables == NULL ? "" : doc->tables->name;
    entry->line = p->line;
    enum err err = take_key(doc, "key", &entry->key);
    if (err != ERR_OK)
        return err;
    if (toml_peek(p, 0) != '=')
        return toml_refuse(p, "expected '=' behind a key, found %s", toml_found(p));
    p->at++;
    for (const struct toml_entry *other = doc->entries; other != NULL; other = other->next) {
        if (strcmp(other->key, entry->key) == 0 && strcmp(other->section, entry->section) == 0)
            return toml_refuse(p, "a key for the second time, after line %u", other->line);
    }
    toml_skip_blanks(p);
    err = toml_take_value(p, &entry->value);
    if (err != ERR_OK)
        return err;
    *doc->tail = entry;
    doc->tail = &entry->next;
    return take_line_end(p);
}

enum err toml_parse(struct bytes text, struct arena *arena, struct toml_entry **entries, struct toml_error *error)
{
    struct document doc = {.cursor = toml_cursor_of(text, arena, error)};
    struct toml_cursor *p = &doc.cursor;
    doc.tail = &doc.entries;
    if (toml_starts_with(p, "\xef\xbb\xbf")) // a byte order mark, as some editors write
        p->at += 3;
    enum err err = toml_check(p);
    for (toml_skip_lines(p); err == ERR_OK && p->at < p->end; toml_skip_lines(p))
        err = toml_peek(p, 0) == '[' ? take_table(&doc) : take_entry(&doc);
    if (err == ERR_OK)
        *entries = doc.entries;
    return err;
}

enum err toml_parse_value(struct bytes text, struct arena *arena, struct toml_value *value, struct toml_error *error)
{
    struct toml_cursor p = toml_cursor_of(text, arena, error);
    struct toml_value made = {0};
    enum err err = toml_check(&p);
    if (err != ERR_OK)
        return err;
    toml_skip_lines(&p);
    err = toml_take_value(&p, &made);
    if (err != ERR_OK)
        return err;
    toml_skip_lines(&p);
    if (p.at < p.end)
        return toml_refuse(&p, "expected the end of the value, found %s", toml_found(&p));
    *value = made;
    return ERR_OK;
}

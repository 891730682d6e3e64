// SPDX-License-Identifier: MIT
// Keys are written in a fixed order and numbers have one spelling, so the same account is the same line everywhere.
#include "line.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct bytes text_of(const json_t *value)
{
    return (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
}

// --- Reading ---

// Missing counts as 0.
static bool take_number(const json_t *object, const char *key, uint64_t *number)
{
    const json_t *value = json_object_get(object, key);
    if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0))
        return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool is_list(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_array(value);
}

static enum skip add_networks(struct entry *entry, const json_t *list)
{
    if (!is_list(list))
        return SKIP_ALLOWFROM;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *network = json_array_get(list, i);
        enum skip skip = json_is_string(network) ? entry_add_network(entry, text_of(network)) : SKIP_ALLOWFROM;
        if (skip != SKIP_NONE)
            return skip;
    }
    return SKIP_NONE;
}

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_hexadecimal(struct entry *entry, struct bytes text, uint64_t at_s)
{
    uint8_t rdata[UINT16_MAX];
    size_t n = 0;
    for (size_t i = 0; i + 1 < text.n && n < sizeof rdata; i += 2) {
        int high = digit_of(text.at[i]), low = digit_of(text.at[i + 1]);
        if (high < 0 || low < 0)
            break;
        rdata[n++] = (uint8_t)(high << 4 | low);
    }
    // What is no number or too long ends early and is no rdata then.
    entry_add_rdata(entry, (struct bytes){rdata, n * 2 == text.n ? n : 0}, at_s);
}

static enum skip add_values(struct entry *entry, const json_t *list)
{
    if (!is_list(list))
        return SKIP_LINE;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        const json_t *txt = json_object_get(value, "txt"), *rdata = json_object_get(value, "rdata");
        uint64_t at_s;
        if (!take_number(value, "at", &at_s))
            return SKIP_LINE;
        if (json_is_string(txt))
            entry_add_text(entry, text_of(txt), at_s);
        else if (json_is_string(rdata))
            add_hexadecimal(entry, text_of(rdata), at_s);
        else
            return SKIP_LINE;
    }
    return SKIP_NONE;
}

static enum skip read_account(const json_t *object, struct entry *entry)
{
    uint64_t used_s;
    enum skip skip = entry_set_username(entry, text_of(json_object_get(object, "username")));
    if (skip == SKIP_NONE)
        skip = entry_set_subdomain(entry, text_of(json_object_get(object, "subdomain")));
    if (skip == SKIP_NONE)
        skip = entry_set_hash(entry, text_of(json_object_get(object, "hash")));
    if (skip == SKIP_NONE)
        skip = add_networks(entry, json_object_get(object, "allowfrom"));
    if (skip == SKIP_NONE && json_object_get(object, "note") != NULL)
        skip = entry_set_note(entry, text_of(json_object_get(object, "note")));
    entry->account.is_disabled = json_is_true(json_object_get(object, "disabled"));
    if (skip == SKIP_NONE)
        skip = add_values(entry, json_object_get(object, "values"));
    if (skip != SKIP_NONE)
        return skip;
    if (!take_number(object, "created", &entry->account.created_s) || !take_number(object, "used", &used_s))
        return SKIP_LINE;
    if (used_s > entry->used_s)
        entry->used_s = used_s;
    return SKIP_NONE;
}

static enum err read_object(const json_t *object, struct line *line, struct entry *entry)
{
    if (json_is_integer(json_object_get(object, "acmezone_export"))) {
        line->kind = LINE_HEAD;
        return take_number(object, "acmezone_export", &line->number) ? ERR_OK : ERR_SYNTAX;
    }
    if (json_is_integer(json_object_get(object, "accounts"))) {
        line->kind = LINE_END;
        return take_number(object, "accounts", &line->number) ? ERR_OK : ERR_SYNTAX;
    }
    if (!json_is_object(object))
        return ERR_SYNTAX;
    *line = (struct line){.kind = LINE_ACCOUNT, .skip = read_account(object, entry)};
    return ERR_OK;
}

enum err line_read(struct bytes text, struct line *line, struct entry *entry)
{
    json_error_t error;
    entry_begin(entry);
    json_t *object = json_loadb((const char *)text.at, text.n, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL)
        return json_error_code(&error) == json_error_out_of_memory ? ERR_MEMORY : ERR_SYNTAX;
    enum err err = read_object(object, line, entry);
    json_decref(object);
    return err;
}

// Nearly all lists are empty, and a million of them are read.
enum skip line_read_networks(struct bytes text, struct entry *entry)
{
    if (text.n == 0 || bytes_equal(text, bytes_of_text("[]")))
        return SKIP_NONE;
    json_error_t error;
    json_t *list = json_loadb((const char *)text.at, text.n, JSON_DECODE_ANY, &error);
    enum skip skip = list == NULL ? SKIP_ALLOWFROM : add_networks(entry, list);
    json_decref(list);
    return skip;
}

// --- Writing ---

static json_t *make_networks(struct bytes allowfrom)
{
    struct reader r = reader_of(allowfrom.at, allowfrom.n);
    struct bytes text;
    json_t *list = json_array();
    while (account_next_text(&r, &text))
        if (json_array_append_new(list, json_stringn((const char *)text.at, text.n)) != 0)
            break;
    return list;
}

// One text of challenge characters, as entry_add_text takes it.
static bool is_text(struct bytes rdata)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
    if (rdata.n < 2 || rdata.at[0] != rdata.n - 1)
        return false;
    for (size_t i = 1; i < rdata.n; i++)
        if (rdata.at[i] == 0 || strchr(letters, rdata.at[i]) == NULL)
            return false;
    return true;
}

static json_t *make_hexadecimal(struct bytes rdata)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * rdata.n + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < rdata.n; i++) {
        text[2 * i] = digits[rdata.at[i] >> 4];
        text[2 * i + 1] = digits[rdata.at[i] & 15];
    }
    json_t *value = json_stringn(text, 2 * rdata.n);
    free(text);
    return value;
}

static json_t *make_value(struct bytes rdata, uint64_t at_s)
{
    bool is_plain = is_text(rdata);
    json_t *text = is_plain ? json_stringn((const char *)rdata.at + 1, rdata.n - 1) : make_hexadecimal(rdata);
    return json_pack("{s:o, s:I}", is_plain ? "txt" : "rdata", text, "at", (json_int_t)at_s);
}

static json_t *make_values(const struct txt *txt)
{
    struct reader rdata = reader_of(txt->rdata.at, txt->rdata.n), times = reader_of(txt->times.at, txt->times.n);
    json_t *list = json_array();
    for (unsigned i = 0; i < txt->n_values; i++) {
        size_t n = take_u16(&rdata);
        const uint8_t *at = take_bytes(&rdata, n);
        if (json_array_append_new(list, make_value((struct bytes){at, at == NULL ? 0 : n}, take_u64(&times))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static char *dump(json_t *value, const char *end)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(value);
    if (text == NULL)
        return NULL;
    size_t n = strlen(text), n_end = strlen(end);
    char *line = realloc(text, n + n_end + 1);
    if (line == NULL) {
        free(text);
        return NULL;
    }
    memcpy(line + n, end, n_end + 1);
    return line;
}

static json_t *make_account(const struct store_entry *entry)
{
    const struct account *account = &entry->account;
    char username[UUID_TEXT_SIZE];
    uuid_write(&account->username, username);
    json_t *object =
        json_pack("{s:s, s:s%, s:s%, s:o}", "username", username, "subdomain", (const char *)account->subdomain.at,
                  account->subdomain.n, "hash", (const char *)account->hash.at, account->hash.n, "allowfrom",
                  make_networks(account->allowfrom));
    if (object == NULL)
        return NULL;
    int failed = 0;
    if (account->note.n > 0)
        failed |= json_object_set_new(object, "note", json_stringn((const char *)account->note.at, account->note.n));
    if (account->is_disabled)
        failed |= json_object_set_new(object, "disabled", json_true());
    failed |= json_object_set_new(object, "created", json_integer((json_int_t)account->created_s));
    failed |= json_object_set_new(object, "used", json_integer((json_int_t)entry->txt.used_s));
    failed |= json_object_set_new(object, "values", make_values(&entry->txt));
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

char *line_write(const struct store_entry *entry)
{
    return dump(make_account(entry), "\n");
}

char *line_write_head(void)
{
    return dump(json_pack("{s:i}", "acmezone_export", LINE_VERSION), "\n");
}

char *line_write_end(uint64_t n_accounts)
{
    return dump(json_pack("{s:I}", "accounts", (json_int_t)n_accounts), "\n");
}

char *line_write_networks(struct bytes allowfrom)
{
    return dump(make_networks(allowfrom), "");
}

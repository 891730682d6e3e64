// SPDX-License-Identifier: MIT
// Clients spell keys as their language likes ("SubDomain", "AllowFrom"), because acme-dns is written in Go, whose
// decoder folds case, takes null for an object, and lets the last of equal keys win. So do we. What a key holds must
// have the right type, as there.
#include "body.h"

#include "api.h"
#include "cidr.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_empty(struct bytes body)
{
    for (size_t i = 0; i < body.n; i++)
        if (!is_white(body.at[i]))
            return false;
    return true;
}

// ERR_OK with a null pointer for null.
static enum err parse_object(struct bytes body, json_t **object)
{
    json_error_t error;
    json_t *value = json_loadb((const char *)body.at, body.n, JSON_DECODE_ANY, &error);
    if (value == NULL)
        return json_error_code(&error) == json_error_out_of_memory ? ERR_MEMORY : ERR_JSON;
    bool is_null = json_is_null(value);
    if (!is_null && !json_is_object(value)) {
        json_decref(value);
        return ERR_JSON;
    }
    if (is_null)
        json_decref(value);
    *object = is_null ? NULL : value;
    return ERR_OK;
}

// The last value under a key, however its letters are cased; borrowed. jansson keeps the order of the keys.
static json_t *find_value(json_t *object, const char *key)
{
    json_t *found = NULL;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) if (strcasecmp(name, key) == 0) found = value;
    return found;
}

static enum err add_network(struct writer *w, json_t *entry)
{
    struct cidr cidr;
    char text[CIDR_TEXT_MAX];
    if (!json_is_string(entry))
        return ERR_JSON;
    struct bytes given = {(const uint8_t *)json_string_value(entry), json_string_length(entry)};
    if (cidr_parse(given, &cidr) != ERR_OK)
        return ERR_CIDR;
    cidr_write(cidr, text);
    put_u8(w, (unsigned)strlen(text));
    put_bytes(w, text, strlen(text));
    return ERR_OK;
}

static enum err parse_networks(json_t *list, struct body_register *out)
{
    size_t n = json_array_size(list);
    if (n == 0)
        return ERR_OK;
    uint8_t *space = malloc(n * (1 + CIDR_TEXT_MAX));
    if (space == NULL)
        return ERR_MEMORY;
    struct writer w = writer_of(space, n * (1 + CIDR_TEXT_MAX));
    for (size_t i = 0; i < n; i++) {
        enum err err = add_network(&w, json_array_get(list, i));
        if (err != ERR_OK) {
            free(space);
            return err;
        }
    }
    out->allowfrom = space;
    out->n_allowfrom = writer_used(&w);
    return ERR_OK;
}

// ERR_OK with an empty view when there is no such key, or null.
static enum err take_text(json_t *object, const char *key, struct bytes *text)
{
    json_t *value = object == NULL ? NULL : find_value(object, key);
    *text = (struct bytes){0};
    if (value == NULL || json_is_null(value))
        return ERR_OK;
    if (!json_is_string(value))
        return ERR_JSON;
    *text = (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
    return ERR_OK;
}

static enum err take_wishes(json_t *object, struct body_register *out)
{
    struct bytes note = {0}, subdomain = {0};
    enum err err = take_text(object, "note", &note);
    if (err == ERR_OK)
        err = take_text(object, "subdomain", &subdomain);
    if (err == ERR_OK)
        err = account_check_note(note);
    if (err == ERR_OK && subdomain.at != NULL)
        err = account_parse_subdomain(subdomain, out->subdomain);
    if (err == ERR_OK && note.n > 0)
        memcpy(out->note, note.at, note.n);
    return err;
}

static enum err ignore_wishes(json_t *, struct body_register *)
{
    return ERR_OK;
}

static enum err parse_registration(struct bytes body, enum err (*look)(json_t *, struct body_register *),
                                   struct body_register *out)
{
    struct body_register found = {0};
    json_t *object = NULL;
    enum err err = is_empty(body) ? ERR_OK : parse_object(body, &object);
    if (err != ERR_OK)
        return err;
    json_t *list = object == NULL ? NULL : find_value(object, "allowfrom");
    err = look(object, &found);
    if (err == ERR_OK && list != NULL && !json_is_null(list))
        err = json_is_array(list) ? parse_networks(list, &found) : ERR_JSON;
    json_decref(object);
    if (err == ERR_OK)
        *out = found;
    return err;
}

enum err body_parse_register(struct bytes body, struct body_register *out)
{
    return parse_registration(body, ignore_wishes, out);
}

enum err body_parse_wishes(struct bytes body, struct body_register *out)
{
    return parse_registration(body, take_wishes, out);
}

static const char *find_text(json_t *object, const char *key, size_t n)
{
    json_t *value = object == NULL ? NULL : find_value(object, key);
    return json_is_string(value) && json_string_length(value) == n ? json_string_value(value) : NULL;
}

static void take_any_subdomain(json_t *object, char out[SUBDOMAIN_MAX + 1])
{
    struct bytes text;
    out[0] = '\0';
    if (take_text(object, "subdomain", &text) != ERR_OK || text.n > SUBDOMAIN_MAX)
        return;
    if (text.n > 0)
        memcpy(out, text.at, text.n);
    out[text.n] = '\0';
}

static enum err take_subdomain(json_t *object, char out[UUID_TEXT_SIZE])
{
    struct uuid uuid;
    const char *text = find_text(object, "subdomain", UUID_TEXT_SIZE - 1);
    if (text == NULL || uuid_parse(bytes_of_text(text), &uuid) != ERR_OK)
        return ERR_SUBDOMAIN;
    uuid_write(&uuid, out);
    return ERR_OK;
}

static bool is_base64url(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return text[strspn(text, letters)] == '\0';
}

static enum err take_txt(json_t *object, char out[BODY_TXT_CHARS + 1])
{
    const char *text = find_text(object, "txt", BODY_TXT_CHARS);
    if (text == NULL || !is_base64url(text))
        return ERR_TXT;
    memcpy(out, text, BODY_TXT_CHARS + 1);
    return ERR_OK;
}

enum err body_parse_update(struct bytes body, struct body_update *out, struct body_update_result *result)
{
    json_t *object = NULL;
    enum err err = is_empty(body) ? ERR_JSON : parse_object(body, &object);
    if (err != ERR_OK)
        return err;
    take_any_subdomain(object, out->any_subdomain);
    result->subdomain = take_subdomain(object, out->subdomain);
    result->txt = take_txt(object, out->txt);
    json_decref(object);
    return ERR_OK;
}

static json_t *make_list(struct bytes allowfrom)
{
    struct reader r = reader_of(allowfrom.at, allowfrom.n);
    json_t *list = json_array();
    while (reader_left(&r) > 0 && !r.is_bad) {
        size_t n = take_u8(&r);
        const uint8_t *at = take_bytes(&r, n);
        if (at != NULL && json_array_append_new(list, json_stringn((const char *)at, n)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static char *dump(json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(value);
    return text;
}

char *body_write_account(const struct body_account *account)
{
    return dump(json_pack("{s:s, s:s, s:s, s:s, s:o}", "username", account->username, "password", account->password,
                          "fulldomain", account->fulldomain, "subdomain", account->subdomain, "allowfrom",
                          make_list(account->allowfrom)));
}

static json_t *make_time(uint64_t at_s)
{
    char text[32];
    struct tm tm;
    time_t at = (time_t)at_s;
    if (at_s == 0 || gmtime_r(&at, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return json_null();
    return json_string(text);
}

// The character-strings of one TXT record, put together.
static json_t *make_value(struct bytes rdata)
{
    char text[UINT16_MAX];
    struct reader r = reader_of(rdata.at, rdata.n);
    struct writer w = writer_of(text, sizeof text);
    while (reader_left(&r) > 0 && !r.is_bad) {
        size_t n = take_u8(&r);
        const uint8_t *at = take_bytes(&r, n);
        if (at != NULL)
            put_bytes(&w, at, n);
    }
    json_t *value = json_stringn(text, writer_used(&w));
    return value != NULL ? value : json_null();
}

static json_t *make_values(const struct txt *txt)
{
    struct reader r = reader_of(txt->rdata.at, txt->rdata.n);
    json_t *list = json_array();
    for (unsigned i = 0; i < txt->n_values; i++) {
        size_t n = take_u16(&r);
        const uint8_t *at = take_bytes(&r, n);
        if (at == NULL || json_array_append_new(list, make_value((struct bytes){at, n})) != 0)
            break;
    }
    return list;
}

char *body_write_details(const struct body_details *details)
{
    const struct account *account = details->account;
    char username[UUID_TEXT_SIZE], subdomain[SUBDOMAIN_MAX + 1] = {0}, fulldomain[SUBDOMAIN_MAX + 256];
    uuid_write(&account->username, username);
    memcpy(subdomain, account->subdomain.at, account->subdomain.n);
    snprintf(fulldomain, sizeof fulldomain, "%s.%s", subdomain, details->zone);
    return dump(json_pack("{s:s, s:s, s:s, s:o, s:s%, s:b, s:o, s:o, s:o}", "username", username, "subdomain",
                          subdomain, "fulldomain", fulldomain, "allowfrom", make_list(account->allowfrom), "note",
                          account->note.n == 0 ? "" : (const char *)account->note.at, account->note.n, "disabled",
                          (int)account->is_disabled, "created", make_time(account->created_s), "last_used",
                          make_time(details->txt->used_s), "values", make_values(details->txt)));
}

char *body_write_checks(const struct api_check *checks, size_t n, bool is_ready)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *check = json_pack("{s:s, s:b}", "name", checks[i].name, "ready", (int)checks[i].is_ready);
        bool has_state = checks[i].state != NULL;
        if (check != NULL && has_state)
            json_object_set_new(check, "state", json_string(checks[i].state));
        if (check != NULL && (!checks[i].is_ready || (has_state && checks[i].why != NULL)))
            json_object_set_new(check, "why", json_string(checks[i].why == NULL ? "not ready" : checks[i].why));
        if (json_array_append_new(list, check) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return dump(json_pack("{s:b, s:o}", "ready", (int)is_ready, "checks", list));
}

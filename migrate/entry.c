// SPDX-License-Identifier: MIT
// What a source says is copied into the entry's room, a cursor whose first error sticks: a text that finds no room
// makes the entry too large for a record, and is the end of it.
#include "entry.h"

#include "cidr.h"
#include "name.h"
#include "secret.h"

#include <ctype.h>

enum { BCRYPT_CHARS = 60, BCRYPT_COST_MIN = 4, BCRYPT_COST_MAX = 14, TEXT_CHARS_MAX = 255, RDATA_MIN = 1 };

void entry_begin(struct entry *entry)
{
    entry->account = (struct account){0};
    entry->n_values = entry->n_bad_values = 0;
    entry->used_s = 0;
    entry->free = writer_of(entry->room, sizeof entry->room);
}

// A copy in the room; a null pointer when there is none left.
static const uint8_t *keep(struct entry *entry, struct bytes bytes)
{
    uint8_t *at = put_space(&entry->free, bytes.n);
    if (at != NULL && bytes.n > 0)
        memcpy(at, bytes.at, bytes.n);
    return at;
}

enum skip entry_set_username(struct entry *entry, struct bytes text)
{
    return uuid_parse(text, &entry->account.username) == ERR_OK ? SKIP_NONE : SKIP_USERNAME;
}

enum skip entry_set_subdomain(struct entry *entry, struct bytes text)
{
    if (text.n == 0 || text.n > SUBDOMAIN_MAX)
        return SKIP_SUBDOMAIN;
    for (size_t i = 0; i < text.n; i++)
        if (!isalnum(text.at[i]) && text.at[i] != '-' && text.at[i] != '_')
            return SKIP_SUBDOMAIN;
    uint8_t *at = put_space(&entry->free, text.n);
    if (at == NULL)
        return SKIP_SIZE;
    for (size_t i = 0; i < text.n; i++)
        at[i] = name_fold(text.at[i]);
    entry->account.subdomain = (struct bytes){at, text.n};
    return SKIP_NONE;
}

static bool starts_with(struct bytes text, const char *start)
{
    size_t n = strlen(start);
    return text.n >= n && memcmp(text.at, start, n) == 0;
}

static bool is_made_of(struct bytes text, const char *others)
{
    for (size_t i = 0; i < text.n; i++)
        if (!isalnum(text.at[i]) && (text.at[i] == 0 || strchr(others, text.at[i]) == NULL))
            return false;
    return true;
}

// "$2b$10$" and 53 characters: 22 of salt, 31 of hash. The costs are those that secret_verify takes.
bool entry_is_bcrypt(struct bytes hash)
{
    if (hash.n != BCRYPT_CHARS || !starts_with(hash, "$2") || hash.at[2] == 0 || strchr("aby", hash.at[2]) == NULL ||
        hash.at[3] != '$' || !isdigit(hash.at[4]) || !isdigit(hash.at[5]) || hash.at[6] != '$')
        return false;
    int cost = (hash.at[4] - '0') * 10 + (hash.at[5] - '0');
    return cost >= BCRYPT_COST_MIN && cost <= BCRYPT_COST_MAX &&
           is_made_of((struct bytes){hash.at + 7, hash.n - 7}, "./");
}

static bool is_argon2id(struct bytes hash)
{
    return starts_with(hash, "$argon2id$v=19$m=") && hash.n < SECRET_HASH_MAX && is_made_of(hash, "$=,+/");
}

enum skip entry_set_hash(struct entry *entry, struct bytes text)
{
    if (!entry_is_bcrypt(text) && !is_argon2id(text))
        return SKIP_HASH;
    const uint8_t *at = keep(entry, text);
    entry->account.hash = (struct bytes){at, text.n};
    return at == NULL ? SKIP_SIZE : SKIP_NONE;
}

enum skip entry_set_note(struct entry *entry, struct bytes text)
{
    if (text.n > ACCOUNT_NOTE_MAX)
        return SKIP_SIZE;
    entry->account.note = (struct bytes){keep(entry, text), text.n};
    return entry->free.is_bad ? SKIP_SIZE : SKIP_NONE;
}

// The list lies in one piece: networks are added one right after the other.
enum skip entry_add_network(struct entry *entry, struct bytes text)
{
    struct cidr cidr;
    char canonical[CIDR_TEXT_MAX];
    struct bytes *list = &entry->account.allowfrom;
    if (cidr_parse(text, &cidr) != ERR_OK)
        return SKIP_ALLOWFROM;
    if (list->n == 0)
        list->at = entry->free.at;
    size_t n = strlen(cidr_write(cidr, canonical));
    put_u8(&entry->free, (unsigned)n);
    put_bytes(&entry->free, canonical, n);
    list->n += 1 + n;
    return entry->free.is_bad || list->n > UINT16_MAX ? SKIP_SIZE : SKIP_NONE;
}

static void add_value(struct entry *entry, struct bytes rdata, uint64_t at_s)
{
    if (entry->n_values == RECORD_VALUES_MAX) {
        entry->n_values--;
        memmove(entry->values, entry->values + 1, entry->n_values * sizeof entry->values[0]);
    }
    entry->values[entry->n_values++] = (struct entry_value){rdata, at_s};
    if (at_s > entry->used_s)
        entry->used_s = at_s;
}

// What a challenge is made of (RFC 4648 5), in any length that one character-string holds.
void entry_add_text(struct entry *entry, struct bytes text, uint64_t at_s)
{
    uint8_t *at = NULL;
    if (text.n > 0 && text.n <= TEXT_CHARS_MAX && is_made_of(text, "-_="))
        at = put_space(&entry->free, 1 + text.n);
    if (at == NULL) {
        entry->n_bad_values++;
        return;
    }
    at[0] = (uint8_t)text.n;
    memcpy(at + 1, text.at, text.n);
    add_value(entry, (struct bytes){at, 1 + text.n}, at_s);
}

// Whether it is character-strings to its end (RFC 1035 3.3.14).
static bool is_rdata(struct bytes rdata)
{
    struct reader r = reader_of(rdata.at, rdata.n);
    while (reader_left(&r) > 0 && !r.is_bad)
        take_bytes(&r, take_u8(&r));
    return rdata.n >= RDATA_MIN && reader_is_done(&r);
}

void entry_add_rdata(struct entry *entry, struct bytes rdata, uint64_t at_s)
{
    const uint8_t *at = is_rdata(rdata) ? keep(entry, rdata) : NULL;
    if (at == NULL)
        entry->n_bad_values++;
    else
        add_value(entry, (struct bytes){at, rdata.n}, at_s);
}

enum skip entry_finish(struct entry *entry, unsigned n_values, struct store_entry *out)
{
    struct writer *w = &entry->free;
    unsigned first = entry->n_values > n_values ? entry->n_values - n_values : 0;
    struct txt txt = {.username = entry->account.username,
                      .n_values = entry->n_values - first,
                      .used_s = entry->used_s,
                      .is_withheld = entry->account.is_disabled};
    txt.rdata.at = w->at;
    for (unsigned i = first; i < entry->n_values; i++) {
        put_u16(w, (unsigned)entry->values[i].rdata.n);
        put_bytes(w, entry->values[i].rdata.at, entry->values[i].rdata.n);
    }
    txt.times.at = w->at;
    for (unsigned i = first; i < entry->n_values; i++)
        put_u64(w, entry->values[i].at_s);
    txt.rdata.n = (size_t)(txt.times.at - txt.rdata.at);
    txt.times.n = (size_t)(w->at - txt.times.at);
    if (w->is_bad || txt.rdata.n > UINT16_MAX)
        return SKIP_SIZE;
    *out = (struct store_entry){.account = entry->account, .txt = txt};
    return SKIP_NONE;
}

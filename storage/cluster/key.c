// SPDX-License-Identifier: MIT
// Names are put together by one printf and taken apart by one look at what follows the prefix.
#include "key.h"

#include "account.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define ACCOUNTS "/data/account/"
#define VALUES   "/data/value/"
#define LAST     "/data/last"
#define LIVES    "/live/"
#define SHARED   "/own/certificate"
#define MARK     "/mark"

// Cuts `front` off; false when the text does not begin with it.
static bool take_front(struct bytes *text, const char *front)
{
    size_t n = strlen(front);
    if (text->n < n || memcmp(text->at, front, n) != 0)
        return false;
    *text = (struct bytes){text->at + n, text->n - n};
    return true;
}

static bool take_back(struct bytes *text, const char *back)
{
    size_t n = strlen(back);
    if (text->n < n || memcmp(text->at + text->n - n, back, n) != 0)
        return false;
    text->n -= n;
    return true;
}

// Other spellings than the canonical one would be other keys for the same account.
static bool parse_username(struct bytes text, struct uuid *username)
{
    char canonical[UUID_TEXT_SIZE];
    if (uuid_parse(text, username) != ERR_OK)
        return false;
    uuid_write(username, canonical);
    return bytes_equal(text, bytes_of_text(canonical));
}

struct key key_parse(const char *prefix, struct bytes text)
{
    struct key key = {.kind = KEY_OTHER};
    struct bytes rest = text;
    if (!take_front(&rest, prefix))
        return key;
    key.name = rest;
    if (take_front(&key.name, ACCOUNTS))
        key.kind = parse_username(key.name, &key.username) ? KEY_ACCOUNT : KEY_OTHER;
    else if (take_front(&key.name, VALUES))
        key.kind = key.name.n > 0 && key.name.n <= SUBDOMAIN_MAX ? KEY_VALUE : KEY_OTHER;
    else if (take_front(&key.name, LIVES)) {
        key.kind = take_back(&key.name, MARK) ? KEY_MARK : KEY_LIVE;
        if (key.name.n == 0 || key.name.n > KEY_REPLICA_MAX || memchr(key.name.at, '/', key.name.n) != NULL)
            key.kind = KEY_OTHER;
    } else if (bytes_equal(rest, bytes_of_text(LAST)))
        key.kind = KEY_LAST;
    else if (bytes_equal(rest, bytes_of_text(SHARED)))
        key.kind = KEY_SHARED;
    return key;
}

[[gnu::format(printf, 1, 2)]] static struct key_text write_key(const char *format, ...)
{
    struct key_text text;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text.at, sizeof text.at, format, args);
    va_end(args);
    assert(n > 0 && (size_t)n < sizeof text.at); // config_check limits the prefix
    text.n = (size_t)n;
    return text;
}

struct key_text key_of_account(const char *prefix, const struct uuid *username)
{
    char text[UUID_TEXT_SIZE];
    uuid_write(username, text);
    return write_key("%s" ACCOUNTS "%s", prefix, text);
}

struct key_text key_of_value(const char *prefix, struct bytes subdomain)
{
    assert(subdomain.n <= SUBDOMAIN_MAX);
    return write_key("%s" VALUES "%.*s", prefix, (int)subdomain.n, (const char *)subdomain.at);
}

struct key_text key_of_last(const char *prefix)
{
    return write_key("%s" LAST, prefix);
}

struct key_text key_of_shared(const char *prefix)
{
    return write_key("%s" SHARED, prefix);
}

struct key_text key_of_live(const char *prefix, const char *replica)
{
    return write_key("%s" LIVES "%s", prefix, replica);
}

struct key_text key_of_mark(const char *prefix, const char *replica)
{
    return write_key("%s" LIVES "%s" MARK, prefix, replica);
}

struct key_range key_range_of(const char *prefix, enum key_part part)
{
    static const char *const parts[] = {[KEY_ALL] = "/", [KEY_DATA] = "/data/", [KEY_LIVES] = LIVES};
    struct key_range range = {.first = write_key("%s%s", prefix, parts[part])};
    range.end = range.first;
    range.end.at[range.end.n - 1]++; // '/' becomes '0', the next byte
    return range;
}

// SPDX-License-Identifier: MIT
// Spellings of a UUID are told apart by their length, brought down to 32 digits with or without dashes, and read digit
// by digit; dashes may stand only where the canonical form has them.
#include "uuid.h"

#include "secret.h"

#include <strings.h>

static const uint8_t group_bytes[] = {4, 2, 2, 2, 6};

struct uuid uuid_random(void)
{
    struct uuid uuid;
    secret_random(uuid.at, sizeof uuid.at);
    uuid.at[6] = (uint8_t)((uuid.at[6] & 0x0f) | 0x40);
    uuid.at[8] = (uint8_t)((uuid.at[8] & 0x3f) | 0x80);
    return uuid;
}

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static struct bytes unwrap(struct bytes text)
{
    static const char urn[] = "urn:uuid:";
    if (text.n == 45 && strncasecmp((const char *)text.at, urn, sizeof urn - 1) == 0)
        return (struct bytes){text.at + 9, 36};
    if (text.n == 38 && text.at[0] == '{' && text.at[37] == '}')
        return (struct bytes){text.at + 1, 36};
    return text;
}

enum err uuid_parse(struct bytes text, struct uuid *uuid)
{
    struct bytes bare = unwrap(text);
    if (bare.n != 32 && bare.n != 36)
        return ERR_SYNTAX;
    struct uuid out;
    const uint8_t *in = bare.at;
    size_t n_out = 0;
    for (size_t group = 0; group < sizeof group_bytes; group++) {
        if (bare.n == 36 && group != 0 && *in++ != '-')
            return ERR_SYNTAX;
        for (unsigned i = 0; i < group_bytes[group]; i++, in += 2) {
            int high = digit_value(in[0]);
            int low = digit_value(in[1]);
            if (high < 0 || low < 0)
                return ERR_SYNTAX;
            out.at[n_out++] = (uint8_t)(high << 4 | low);
        }
    }
    *uuid = out;
    return ERR_OK;
}

void uuid_write(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t n_in = 0;
    for (size_t group = 0; group < sizeof group_bytes; group++) {
        if (group != 0)
            *text++ = '-';
        for (unsigned i = 0; i < group_bytes[group]; i++, n_in++) {
            *text++ = digits[uuid->at[n_in] >> 4];
            *text++ = digits[uuid->at[n_in] & 15];
        }
    }
    *text = '\0';
}

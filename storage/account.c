// SPDX-License-Identifier: MIT
// Chosen names keep to what every resolver, client and certificate authority takes for a label (RFC 1123 2.1); an
// underscore in front belongs to the names of services.
#include "account.h"

#include "name.h"

#include <stdlib.h>

static bool is_alphanumeric(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum err account_parse_subdomain(struct bytes text, char subdomain[SUBDOMAIN_MAX + 1])
{
    char out[SUBDOMAIN_MAX + 1] = {0};
    if (text.n == 0 || text.n > SUBDOMAIN_MAX)
        return ERR_SUBDOMAIN;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = name_fold(text.at[i]);
        bool is_inside = i > 0 && i + 1 < text.n;
        if (!is_alphanumeric(c) && !(is_inside && c == '-'))
            return ERR_SUBDOMAIN;
        out[i] = (char)c;
    }
    memcpy(subdomain, out, sizeof out);
    return ERR_OK;
}

// How many bytes the character takes that begins here (RFC 3629 4); 0: it is none, or a control character.
static size_t character_bytes(const uint8_t *at, size_t n_left)
{
    static const struct {
        uint8_t first, last; // of the first byte
        uint8_t low, high;   // of the second
        size_t n;
    } rows[] = {{0x20, 0x7e, 0, 0, 1},       {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2},
                {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
                {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (at[0] < rows[i].first || at[0] > rows[i].last)
            continue;
        if (rows[i].n > n_left || (rows[i].n > 1 && (at[1] < rows[i].low || at[1] > rows[i].high)))
            return 0;
        for (size_t k = 2; k < rows[i].n; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].n;
    }
    return 0;
}

enum err account_check_note(struct bytes note)
{
    if (note.n > ACCOUNT_NOTE_MAX)
        return ERR_NOTE;
    for (size_t at = 0, n; at < note.n; at += n)
        if ((n = character_bytes(note.at + at, note.n - at)) == 0)
            return ERR_NOTE;
    return ERR_OK;
}

static struct bytes append(struct writer *w, struct bytes bytes)
{
    struct bytes copy = {w->at, bytes.n};
    put_bytes(w, bytes.at, bytes.n);
    return copy;
}

enum err account_copy(const struct account *account, struct account *copy, uint8_t **bytes)
{
    size_t n = account->subdomain.n + account->hash.n + account->allowfrom.n + account->note.n;
    uint8_t *space = malloc(n + 1);
    if (space == NULL)
        return ERR_MEMORY;
    struct writer w = writer_of(space, n);
    struct account out = *account;
    out.subdomain = append(&w, account->subdomain);
    out.hash = append(&w, account->hash);
    out.allowfrom = append(&w, account->allowfrom);
    out.note = append(&w, account->note);
    *copy = out;
    *bytes = space;
    return ERR_OK;
}

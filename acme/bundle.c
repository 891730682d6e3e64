// SPDX-License-Identifier: MIT
// The key comes first, then the chain: the place of the first "-----BEGIN CERTIFICATE-----" divides the two.
#include "bundle.h"

#include <stdio.h>

#define DIRECTORY   "Directory: "
#define NAMES       "Names: "
#define ACCOUNT     "Account: "
#define BEGIN       "-----BEGIN "
#define CERTIFICATE "-----BEGIN CERTIFICATE-----"

// From `what` on; a view of nothing when it is not there.
static struct bytes from(struct bytes text, const char *what)
{
    const struct bytes nothing = {0};
    const uint8_t *at = text.n == 0 ? NULL : memmem(text.at, text.n, what, strlen(what));
    if (at == NULL)
        return nothing;
    return (struct bytes){at, text.n - (size_t)(at - text.at)};
}

// What follows `what` on its line.
static struct bytes rest_of_line(struct bytes text, const char *what)
{
    struct bytes line = from(text, what);
    if (line.n == 0)
        return line;
    size_t n = strlen(what);
    const uint8_t *end = memchr(line.at, '\n', line.n);
    return (struct bytes){line.at + n, end == NULL ? 0 : (size_t)(end - line.at) - n};
}

enum err bundle_parse(struct bundle *bundle, struct bytes text)
{
    struct bytes blocks = from(text, BEGIN), chain = from(text, CERTIFICATE);
    struct bytes head = {text.at, text.n - blocks.n};
    struct bundle self = {.directory = rest_of_line(head, DIRECTORY),
                          .names = rest_of_line(head, NAMES),
                          .key = {blocks.at, blocks.n - chain.n},
                          .chain = chain};
    if (self.directory.n == 0 || self.names.n == 0 || self.key.n == 0 || self.chain.n == 0)
        return ERR_SYNTAX;
    *bundle = self;
    return ERR_OK;
}

static void put_text(struct writer *w, const char *text)
{
    put_bytes(w, (const uint8_t *)text, strlen(text));
}

static void put_names(struct writer *w, const struct texts *names)
{
    for (size_t i = 0; i < names->n; i++) {
        put_text(w, i == 0 ? "" : " ");
        put_text(w, names->at[i]);
    }
}

bool bundle_is_for(const struct bundle *bundle, const struct conf_acme *acme)
{
    uint8_t space[BUNDLE_MAX_BYTES];
    struct writer names = writer_of(space, sizeof space);
    put_names(&names, &acme->names);
    return !names.is_bad && bytes_equal(bundle->directory, bytes_of_text(acme->directory)) &&
           bytes_equal(bundle->names, (struct bytes){names.start, writer_used(&names)});
}

void bundle_write(struct writer *w, const struct conf_acme *acme, struct bytes key, struct bytes chain)
{
    put_text(w, "The certificate of the API, as acmezone got it, and its private key.\n" DIRECTORY);
    put_text(w, acme->directory);
    put_text(w, "\n" NAMES);
    put_names(w, &acme->names);
    put_text(w, "\n");
    put_bytes(w, key.at, key.n);
    put_bytes(w, chain.at, chain.n);
}

// -- The estate: "Account: N", N bytes, the bundle

enum err estate_parse(struct estate *estate, struct bytes text)
{
    struct bytes line = rest_of_line(text, ACCOUNT);
    size_t n = 0;
    if (line.n == 0 || line.at != text.at + strlen(ACCOUNT))
        return ERR_SYNTAX;
    for (size_t i = 0; i < line.n && n <= BUNDLE_MAX_BYTES; i++) {
        if (line.at[i] < '0' || line.at[i] > '9')
            return ERR_SYNTAX;
        n = 10 * n + (size_t)(line.at[i] - '0');
    }
    struct reader r = reader_of(line.at + line.n + 1, text.n - strlen(ACCOUNT) - line.n - 1);
    struct estate self = {.account = {take_bytes(&r, n), n}};
    if (r.is_bad)
        return ERR_SYNTAX;
    self.bundle.n = reader_left(&r);
    self.bundle.at = take_bytes(&r, self.bundle.n);
    *estate = self;
    return ERR_OK;
}

void estate_write(struct writer *w, const struct estate *estate)
{
    char line[64];
    snprintf(line, sizeof line, ACCOUNT "%zu\n", estate->account.n);
    put_text(w, line);
    put_bytes(w, estate->account.at, estate->account.n);
    put_bytes(w, estate->bundle.at, estate->bundle.n);
}

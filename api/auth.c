// SPDX-License-Identifier: MIT
// A token is compared with every one configured, and the walk does not stop at the one that fits, so time tells neither
// which one it was nor how much of it was right; its length is no secret. An Authorization header that is not
// understood is treated as if it were not there: some clients send an empty or a foreign one along.
#include "auth.h"

#include "account.h"
#include "secret.h"

#include <gnutls/gnutls.h>
#include <string.h>
#include <strings.h>

enum { BASIC_MAX = 1024 };

static bool is_key(const char *key)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return strlen(key) == SECRET_PASSWORD_CHARS && strspn(key, letters) == SECRET_PASSWORD_CHARS;
}

enum err auth_parse(const char *user, const char *key, struct uuid *username)
{
    if (user == NULL || key == NULL || !is_key(key))
        return ERR_FORBIDDEN;
    return uuid_parse(bytes_of_text(user), username) == ERR_OK ? ERR_OK : ERR_FORBIDDEN;
}

static const struct token *find(const struct tokens *tokens, struct bytes secret)
{
    const struct token *found = NULL;
    for (size_t i = 0; i < tokens->n; i++) {
        size_t n = strlen(tokens->at[i].secret);
        if (n == secret.n && n > 0 && secret_equal(tokens->at[i].secret, secret.at, n))
            found = &tokens->at[i];
    }
    return found;
}

// The rest of a header value behind a scheme's name and blanks, or a null pointer for another scheme (RFC 9110 11.1).
static const char *skip_scheme(const char *value, const char *scheme)
{
    size_t n = strlen(scheme);
    if (strncasecmp(value, scheme, n) != 0 || value[n] != ' ')
        return NULL;
    return value + n + strspn(value + n, " ");
}

// The credentials are base64 of USER:PASSWORD; a user has no colon (RFC 7617 2). One client sends the alphabet meant
// for URLs, so both are read.
static const struct token *find_basic(const struct tokens *tokens, const char *credentials)
{
    unsigned char text[BASIC_MAX];
    gnutls_datum_t base64 = {text, (unsigned)strlen(credentials)};
    gnutls_datum_t plain = {0};
    if (base64.size == 0 || base64.size > sizeof text)
        return NULL;
    for (unsigned i = 0; i < base64.size; i++)
        text[i] = (unsigned char)(credentials[i] == '-' ? '+' : credentials[i] == '_' ? '/' : credentials[i]);
    if (gnutls_base64_decode2(&base64, &plain) < 0)
        return NULL;
    const struct token *found = NULL;
    const unsigned char *colon = memchr(plain.data, ':', plain.size);
    if (colon != NULL)
        found = find(tokens, (struct bytes){colon + 1, (size_t)(plain.data + plain.size - colon - 1)});
    gnutls_memset(plain.data, 0, plain.size);
    gnutls_free(plain.data);
    return found;
}

const struct token *auth_find_token(const struct tokens *tokens, const char *authorization, struct bytes prefix)
{
    const struct token *found = NULL;
    const char *rest;
    if (authorization != NULL && (rest = skip_scheme(authorization, "Bearer")) != NULL)
        found = find(tokens, bytes_of_text(rest));
    else if (authorization != NULL && (rest = skip_scheme(authorization, "Basic")) != NULL)
        found = find_basic(tokens, rest);
    return found != NULL ? found : find(tokens, prefix);
}

bool auth_allows(struct bytes allowfrom, struct ip ip)
{
    struct reader list = reader_of(allowfrom.at, allowfrom.n);
    struct bytes text;
    struct cidr cidr;
    bool is_allowed = allowfrom.n == 0;
    while (account_next_text(&list, &text)) {
        if (cidr_parse(text, &cidr) != ERR_OK)
            return false;
        is_allowed |= cidr_contains(cidr, ip);
    }
    return is_allowed && reader_is_done(&list);
}

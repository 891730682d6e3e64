// SPDX-License-Identifier: MIT
// upstream: IP[@PORT] is the spelling of dig, unbound and NSD, and unlike IP:PORT has one meaning for IPv6.
#include "upstream.h"

#include <stdio.h>
#include <stdlib.h>

enum { PORT_DNS = 53 };

static const char HTTPS[] = "https://";

struct upstream upstream_of(struct ip ip, uint16_t port)
{
    struct upstream made = {.ip = ip, .port = port};
    char address[IP_TEXT_MAX];
    if (port == PORT_DNS)
        snprintf(made.text, sizeof made.text, "%s", ip_write(ip, address));
    else
        snprintf(made.text, sizeof made.text, "%s@%u", ip_write(ip, address), port);
    return made;
}

static enum err parse_https(const char *text, struct upstream *upstream)
{
    size_t n = strlen(text);
    if (n >= sizeof upstream->text || n == sizeof HTTPS - 1)
        return ERR_SYNTAX;
    *upstream = (struct upstream){.is_https = true};
    memcpy(upstream->text, text, n + 1);
    return ERR_OK;
}

enum err upstream_parse(const char *text, struct upstream *upstream)
{
    if (strncmp(text, HTTPS, sizeof HTTPS - 1) == 0)
        return parse_https(text, upstream);
    const char *at = strchr(text, '@');
    unsigned long port = PORT_DNS;
    if (at != NULL) {
        char *end;
        port = strtoul(at + 1, &end, 10);
        if (at[1] < '0' || at[1] > '9' || *end != 0 || port < 1 || port > UINT16_MAX)
            return ERR_SYNTAX;
    }
    struct ip ip;
    struct bytes address = {(const uint8_t *)text, at == NULL ? strlen(text) : (size_t)(at - text)};
    if (ip_parse(address, &ip) != ERR_OK)
        return ERR_SYNTAX;
    *upstream = upstream_of(ip, (uint16_t)port);
    return ERR_OK;
}

bool upstream_is_same(const struct upstream *a, const struct upstream *b)
{
    if (a->is_https || b->is_https)
        return a->is_https && b->is_https && strcmp(a->text, b->text) == 0;
    return a->port == b->port && memcmp(&a->ip, &b->ip, sizeof a->ip) == 0;
}

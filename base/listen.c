// SPDX-License-Identifier: MIT
// listen: where to bind, from text.
//
// "All addresses" is bound as two sockets, one for each family, and not as one IPv6 socket that takes both: so a
// client's address always has its own family's shape, and a machine without IPv6 is served all the same. "[::]" means
// all addresses as it does for most programs on Linux; "0.0.0.0" is all of IPv4 alone.
#include "listen.h"

static bool is_zero(struct ip ip)
{
    static const struct ip ZERO;
    return memcmp(ip.at, ZERO.at, sizeof ip.at) == 0;
}

static enum err parse_port(struct bytes text, uint16_t *port)
{
    unsigned found = 0;
    if (text.n == 0 || text.n > 5)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.n; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return ERR_SYNTAX;
        found = found * 10 + (text.at[i] - (unsigned)'0');
    }
    if (found > UINT16_MAX)
        return ERR_SYNTAX;
    *port = (uint16_t)found;
    return ERR_OK;
}

enum err listen_parse_address(struct bytes text, struct listen_text *listen)
{
    struct listen_text made = {0};
    if (ip_parse(text, &made.ip) != ERR_OK)
        return ERR_SYNTAX;
    made.is_all = is_zero(made.ip);
    *listen = made;
    return ERR_OK;
}

enum err listen_parse(struct bytes text, struct listen_text *listen)
{
    const uint8_t *colon = text.n == 0 ? NULL : memrchr(text.at, ':', text.n);
    if (colon == NULL)
        return ERR_SYNTAX;
    struct bytes address = {text.at, (size_t)(colon - text.at)};
    struct listen_text made = {.is_all = true};
    if (address.n > 0 && address.at[0] != '[' && memchr(address.at, ':', address.n) != NULL)
        return ERR_SYNTAX; // IPv6 without brackets: where it ends is a guess
    if (address.n > 0 && listen_parse_address(address, &made) != ERR_OK)
        return ERR_SYNTAX;
    if (parse_port((struct bytes){colon + 1, text.n - address.n - 1}, &made.port) != ERR_OK)
        return ERR_SYNTAX;
    *listen = made;
    return ERR_OK;
}

static void add_once(struct listen one, struct listen *list, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        if (list[i].port == one.port && memcmp(list[i].ip.at, one.ip.at, sizeof one.ip.at) == 0)
            return;
    }
    list[(*n)++] = one;
}

enum err listen_add(struct listen_text text, struct listen_families families, struct listen *list, size_t *n)
{
    static const struct ip ALL_V4 = {.at = {[10] = 0xff, [11] = 0xff}}, ALL_V6;
    bool is_v4 = ip_is_v4(text.ip);
    if (!text.is_all && !(is_v4 ? families.has_v4 : families.has_v6))
        return ERR_RANGE;
    if (!text.is_all)
        add_once((struct listen){text.ip, text.port, false}, list, n);
    if (text.is_all && families.has_v4)
        add_once((struct listen){ALL_V4, text.port, families.has_v6}, list, n);
    if (text.is_all && families.has_v6)
        add_once((struct listen){ALL_V6, text.port, families.has_v4}, list, n);
    return ERR_OK;
}

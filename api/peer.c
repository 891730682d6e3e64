// SPDX-License-Identifier: MIT
// Each proxy adds the address it was called from at the right end of the list, so only what our own proxies have added
// can be believed, and that is found by walking from the right. Whatever stands left of the first hop that is not ours
// was written by the client itself and is not looked at.
//
// A header may come several times, which means the same as one with the values joined by commas (RFC 9110 5.3): the
// walk goes through the values from the last to the first, and through each from right to left. Empty elements mean
// nothing (5.6.1).
#include "peer.h"

bool peer_is_in(const struct cidrs *networks, struct ip ip)
{
    for (size_t i = 0; i < networks->n; i++)
        if (cidr_contains(networks->at[i], ip))
            return true;
    return false;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes text)
{
    while (text.n > 0 && is_blank(text.at[0])) {
        text.at++;
        text.n--;
    }
    while (text.n > 0 && is_blank(text.at[text.n - 1]))
        text.n--;
    return text;
}

static bool is_port(struct bytes text)
{
    if (text.n < 1 || text.n > 5)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

// Takes a port off: behind a bracket, or behind the only colon. An IPv6 address without brackets has at least two
// colons.
static bool take_off_port(struct bytes *hop)
{
    const uint8_t *colon = memrchr(hop->at, ':', hop->n);
    if (colon == NULL)
        return true;
    size_t n_before = (size_t)(colon - hop->at);
    bool has_port =
        hop->at[0] == '[' ? n_before > 0 && hop->at[n_before - 1] == ']' : memchr(hop->at, ':', n_before) == NULL;
    if (!has_port)
        return true;
    if (!is_port((struct bytes){colon + 1, hop->n - n_before - 1}))
        return false;
    hop->n = n_before;
    return true;
}

static bool parse_hop(struct bytes hop, struct ip *ip)
{
    return take_off_port(&hop) && ip_parse(hop, ip) == ERR_OK;
}

// Cuts the right-most element off the list.
static struct bytes take_last(struct bytes *list)
{
    const uint8_t *comma = list->n == 0 ? NULL : memrchr(list->at, ',', list->n);
    size_t n_before = comma == NULL ? 0 : (size_t)(comma - list->at);
    size_t n_skipped = comma == NULL ? 0 : n_before + 1;
    struct bytes last = {list->at + n_skipped, list->n - n_skipped};
    list->n = n_before;
    return trim(last);
}

struct ip peer_find(const struct cidrs *trusted, struct ip socket_peer, const struct bytes *values, size_t n_values)
{
    struct ip client = socket_peer;
    if (!peer_is_in(trusted, socket_peer))
        return socket_peer;
    while (n_values-- > 0) {
        for (struct bytes list = values[n_values]; list.n > 0;) {
            struct bytes hop = take_last(&list);
            if (hop.n == 0)
                continue;
            if (!parse_hop(hop, &client))
                return socket_peer;
            if (!peer_is_in(trusted, client))
                return client;
        }
    }
    return client;
}

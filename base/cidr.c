// SPDX-License-Identifier: MIT
// cidr: how an address and a network are read, written and compared.
//
// The shape of an address is glibc's business (inet_pton refuses leading zeros, short quads and zone ids; inet_ntop
// writes the canonical form); what is ours is the brackets, the bits and the line between the families. A network is
// IPv4 when it is a mapped address and its bits reach past the mapping's 96: so a client known as ::ffff:192.0.2.1 is
// in 192.0.2.0/24, and in no network that is wider than IPv4 itself, such as ::/0.
#include "cidr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>

#define MAPPED_BITS 96

static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};

bool ip_is_v4(struct ip ip)
{
    return memcmp(ip.at, MAPPED, sizeof MAPPED) == 0;
}

static struct ip ip_of_v4(const void *quad)
{
    struct ip ip;
    memcpy(ip.at, MAPPED, sizeof MAPPED);
    memcpy(ip.at + sizeof MAPPED, quad, 4);
    return ip;
}

// Takes the brackets off. ERR_CIDR: only one of them is there.
static enum err strip_brackets(struct bytes *text, bool *is_bracketed)
{
    bool opens = text->n > 0 && text->at[0] == '[';
    bool closes = text->n > 0 && text->at[text->n - 1] == ']';
    if (opens != closes)
        return ERR_CIDR;
    if (opens)
        *text = (struct bytes){text->at + 1, text->n - 2};
    *is_bracketed = opens;
    return ERR_OK;
}

// `is_quad`: written as an IPv4 address. A mapped address is IPv4 too, but its bits count from the front of the whole.
static enum err parse_plain(struct bytes text, struct ip *ip, bool *is_quad)
{
    char copy[IP_TEXT_MAX];
    if (text.n == 0 || text.n >= sizeof copy || memchr(text.at, 0, text.n) != NULL)
        return ERR_CIDR;
    memcpy(copy, text.at, text.n);
    copy[text.n] = 0;
    struct in_addr quad;
    *is_quad = inet_pton(AF_INET, copy, &quad) == 1;
    if (*is_quad) {
        *ip = ip_of_v4(&quad);
        return ERR_OK;
    }
    struct ip found;
    if (inet_pton(AF_INET6, copy, found.at) != 1)
        return ERR_CIDR;
    *ip = found;
    return ERR_OK;
}

enum err ip_parse(struct bytes text, struct ip *ip)
{
    bool is_bracketed = false, is_quad = false;
    struct ip found;
    if (strip_brackets(&text, &is_bracketed) != ERR_OK || parse_plain(text, &found, &is_quad) != ERR_OK ||
        (is_bracketed && is_quad))
        return ERR_CIDR;
    *ip = found;
    return ERR_OK;
}

enum err ip_of_sockaddr(const struct sockaddr *address, struct ip *ip)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        *ip = ip_of_v4(&in.sin_addr);
        return ERR_OK;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        memcpy(ip->at, &in6.sin6_addr, sizeof ip->at);
        return ERR_OK;
    }
    return ERR_CIDR;
}

socklen_t ip_to_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    if (ip_is_v4(ip)) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in.sin_addr, ip.at + sizeof MAPPED, 4);
        memcpy(address, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6.sin6_addr, ip.at, sizeof ip.at);
    memcpy(address, &in6, sizeof in6);
    return sizeof in6;
}

const char *ip_write(struct ip ip, char text[static IP_TEXT_MAX])
{
    bool is_v4 = ip_is_v4(ip);
    const void *from = is_v4 ? ip.at + sizeof MAPPED : ip.at;
    const char *written = inet_ntop(is_v4 ? AF_INET : AF_INET6, from, text, IP_TEXT_MAX);
    assert(written != NULL);
    return written;
}

// Decimal digits only, no leading zero, at most `max`.
static enum err parse_bits(struct bytes text, unsigned max, unsigned *bits)
{
    unsigned found = 0;
    if (text.n == 0 || text.n > 3 || (text.n > 1 && text.at[0] == '0'))
        return ERR_CIDR;
    for (size_t i = 0; i < text.n; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return ERR_CIDR;
        found = found * 10 + (text.at[i] - (unsigned)'0');
    }
    if (found > max)
        return ERR_CIDR;
    *bits = found;
    return ERR_OK;
}

enum err cidr_parse(struct bytes text, struct cidr *cidr)
{
    // Brackets around it all come off first; only when there are none may the address have its own.
    bool is_bracketed = false, is_quad = false;
    if (text.n > 0 && text.at[text.n - 1] == ']' && strip_brackets(&text, &is_bracketed) != ERR_OK)
        return ERR_CIDR;
    const uint8_t *slash = text.n == 0 ? NULL : memchr(text.at, '/', text.n);
    size_t address_n = slash == NULL ? text.n : (size_t)(slash - text.at);
    struct bytes address = {text.at, address_n};
    if (!is_bracketed && strip_brackets(&address, &is_bracketed) != ERR_OK)
        return ERR_CIDR;
    struct ip ip;
    if (parse_plain(address, &ip, &is_quad) != ERR_OK || (is_bracketed && is_quad))
        return ERR_CIDR;
    unsigned max = is_quad ? 32 : 128, bits = max;
    if (slash != NULL && parse_bits((struct bytes){slash + 1, text.n - address_n - 1}, max, &bits) != ERR_OK)
        return ERR_CIDR;
    *cidr = (struct cidr){ip, (uint8_t)(is_quad ? bits + MAPPED_BITS : bits)};
    return ERR_OK;
}

static bool cidr_is_v4(struct cidr cidr)
{
    return cidr.n_bits >= MAPPED_BITS && ip_is_v4(cidr.ip);
}

const char *cidr_write(struct cidr cidr, char text[static CIDR_TEXT_MAX])
{
    char address[IP_TEXT_MAX];
    bool is_v4 = cidr_is_v4(cidr);
    const void *from = is_v4 ? cidr.ip.at + sizeof MAPPED : cidr.ip.at;
    const char *written = inet_ntop(is_v4 ? AF_INET : AF_INET6, from, address, sizeof address);
    assert(written != NULL);
    snprintf(text, CIDR_TEXT_MAX, "%s/%u", address, is_v4 ? cidr.n_bits - (unsigned)MAPPED_BITS : cidr.n_bits);
    return text;
}

bool cidr_contains(struct cidr cidr, struct ip ip)
{
    if (cidr_is_v4(cidr) != ip_is_v4(ip))
        return false;
    unsigned n_whole = cidr.n_bits / 8, n_rest = cidr.n_bits % 8;
    if (memcmp(cidr.ip.at, ip.at, n_whole) != 0)
        return false;
    return n_rest == 0 || (cidr.ip.at[n_whole] ^ ip.at[n_whole]) >> (8 - n_rest) == 0;
}

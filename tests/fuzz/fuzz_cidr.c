// SPDX-License-Identifier: MIT
// Networks and addresses as text. What is written reads back as what it was; a bare address is one exactly when the C
// library says so; and a network holds an address when the bits in front are the same, in the same family.
#include "cidr.h"
#include "fuzz.h"
#include "listen.h"

#include <arpa/inet.h>

static void check_address(struct bytes text)
{
    struct ip ip, again;
    char zero_ended[64] = {0}, written[IP_TEXT_MAX];
    uint8_t address[16];
    if (text.n >= sizeof zero_ended || memchr(text.at, '\0', text.n) != NULL || memchr(text.at, '[', text.n) != NULL)
        return;
    memcpy(zero_ended, text.at, text.n);
    bool is_address = inet_pton(AF_INET, zero_ended, address) == 1 || inet_pton(AF_INET6, zero_ended, address) == 1;
    require((ip_parse(text, &ip) == ERR_OK) == is_address, "an address to one but not to the other");
    if (!is_address)
        return;
    require(ip_parse(bytes_of_text(ip_write(ip, written)), &again) == ERR_OK, "what is written does not parse");
    require(memcmp(ip.at, again.at, sizeof ip.at) == 0, "another address reads back");
}

static bool has_equal_front(const uint8_t *a, const uint8_t *b, unsigned n_bits)
{
    for (unsigned i = 0; i < n_bits; i++)
        if (((a[i / 8] ^ b[i / 8]) & 0x80u >> i % 8) != 0)
            return false;
    return true;
}

static void check_network(struct bytes text, const uint8_t *other)
{
    struct cidr cidr, again;
    struct ip ip;
    char written[CIDR_TEXT_MAX];
    if (cidr_parse(text, &cidr) != ERR_OK)
        return;
    require(cidr.n_bits <= 128, "more bits than an address has");
    require(cidr_parse(bytes_of_text(cidr_write(cidr, written)), &again) == ERR_OK, "what is written does not parse");
    require(memcmp(&cidr, &again, sizeof cidr) == 0, "another network reads back");
    bool is_v4 = ip_is_v4(cidr.ip) && cidr.n_bits >= 96; // with fewer bits it is an IPv6 network
    require(cidr_contains(cidr, cidr.ip) || ip_is_v4(cidr.ip) != is_v4, "it does not hold its own address");
    memcpy(ip.at, other, sizeof ip.at);
    bool is_inside = ip_is_v4(ip) == is_v4 && has_equal_front(cidr.ip.at, ip.at, cidr.n_bits);
    require(cidr_contains(cidr, ip) == is_inside, "it holds what it should not, or the other way round");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t other[16] = {[10] = 0xff, [11] = 0xff};
    struct listen_text listen;
    uint8_t *copy = fuzz_copy((struct bytes){data, n});
    struct bytes text = {copy, n};
    memcpy(other, data, n < sizeof other ? n : 0);
    if (n >= sizeof other)
        memcpy(other, data + n - sizeof other, sizeof other);
    check_address(text);
    check_network(text, other);
    (void)!listen_parse(text, &listen);
    (void)!listen_parse_address(text, &listen);
    free(copy);
    return 0;
}

// SPDX-License-Identifier: MIT
// oracle: ldns reads every answer again and tells what is in it; what a DNS answer must never be fails the test.
#pragma once

#include "config.h"

#include <ldns/ldns.h>

struct exchange {
    const struct conf *conf;
    struct bytes query;
    struct bytes answer;
    size_t max_bytes; // of the transport
    bool is_udp;
};

// Reads an answer and checks what holds for every one: it echoes id, opcode, RD and the question byte for byte; it
// keeps to its size; it ends where its last record does; names are compressed only where that is allowed and point
// backwards; AA stands only in our zones; a negative answer has its SOA; EDNS answers EDNS. To be freed with
// ldns_pkt_deep_free.
ldns_pkt *oracle_read(const struct exchange *exchange);

// "NOERROR aa tc": the rcode and those of the flags AA and TC that are set. To be freed.
char *oracle_head(const ldns_pkt *pkt);

// The records of a section, one a line as "owner ttl class type rdata"; the serial of a SOA is shown as 0. To be freed.
char *oracle_lines(const ldns_pkt *pkt, ldns_pkt_section section);

// The serial of the first SOA in a section.
uint32_t oracle_serial(const ldns_pkt *pkt, ldns_pkt_section section);

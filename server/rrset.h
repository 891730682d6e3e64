// SPDX-License-Identifier: MIT
// rrset: records of one owner and type, ready to be copied into an answer.
//
// The rdata of static records are kept compressed: where a name in them lies in the zone, it ends in two bytes that
// stand for a pointer to the zone's apex. Where the apex stands in a message is known when it is written; `marks` says
// which bytes to set.
#pragma once

#include "bytes.h"

struct node;

struct rrset {
    uint16_t type;
    uint16_t n_rrs;
    uint32_t ttl;
    struct bytes rdata;    // for each record two bytes of length and the rdata
    const uint16_t *marks; // ascending offsets into `rdata` of pointers to the apex
    uint16_t n_marks;
    uint16_t n_additionals;
    const struct node *const
        *additionals;    // nodes whose addresses belong into the additional section: of NS, MX, SRV targets
    struct bytes target; // CNAME: its target as a prefix of the zone, folded; a null pointer: outside the zone
};

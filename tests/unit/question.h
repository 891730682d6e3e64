// SPDX-License-Identifier: MIT
// question: from what a test wants to ask to the bytes of a DNS message. Nothing of the product's encoder is in it.
#pragma once

#include "bytes.h"

#include <ldns/ldns.h>

#define QUESTION_MAX_BYTES 1024
#define QUESTION_OPCODE(n) ((uint16_t)((n) << 11))
#define QUESTION_RD        ((uint16_t)0x0100)

struct question {
    const char *name; // as ldns reads it; letter case is kept
    uint16_t type;
    uint16_t class; // 0: IN
    uint16_t flags; // of the header
    bool has_edns;
    bool is_do;
    uint8_t version;      // of EDNS
    uint16_t udp_bytes;   // that EDNS announces
    struct bytes options; // of EDNS
};

// A plain question: QUESTION("www.example.org", TXT).
// clang-format off
#define QUESTION(name_, type_) {.name = name_, .type = LDNS_RR_TYPE_##type_}
// clang-format on

// Returns the bytes written. Each message gets an id of its own.
size_t question_write(const struct question *question, uint8_t out[static QUESTION_MAX_BYTES]);

// The name with its letters' case turned; returns `out`.
const char *question_flip_case(const char *name, char out[static QUESTION_MAX_BYTES]);

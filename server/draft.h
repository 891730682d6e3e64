// SPDX-License-Identifier: MIT
// draft: one static record on its way from text to a zone. The door of ldns for records and names from the config.
#pragma once

#include "arena.h"
#include "err.h"
#include "name.h"

struct zone;

struct draft {
    const struct zone *zone; // that holds it
    struct bytes prefix;     // of its owner, folded
    uint16_t type;
    uint32_t ttl;
    struct bytes
        rdata; // two bytes of length and the rdata, names in the zone ending in two bytes for a pointer to the apex
    const uint16_t *marks; // offsets of those into `rdata`
    uint16_t n_marks;
    struct bytes target; // of NS, CNAME, MX and SRV: the name they point to, folded, with its root; else a null pointer
    unsigned number;     // in the order of the config
};

// What a text said before its place in a zone is known.
struct parsed;

// Reads a record in zone file format. On failure `reason` says what is wrong with it. ERR_SYNTAX, ERR_MEMORY.
enum err draft_parse(struct parsed **parsed, const char *text, const char **reason);
void draft_parsed_free(struct parsed *parsed);

// The owner in wire form, folded; lives as long as `parsed`.
struct bytes draft_owner(const struct parsed *parsed);

// Cuts the record to its zone: fills everything of `draft` but zone and number. ERR_MEMORY.
enum err draft_write(struct draft *draft, const struct parsed *parsed, struct bytes apex, struct arena *arena);

// A domain name from text to wire form, folded, with its root. ERR_SYNTAX, ERR_MEMORY.
enum err draft_parse_name(struct bytes *name, const char *text, struct arena *arena);

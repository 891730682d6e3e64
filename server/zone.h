// SPDX-License-Identifier: MIT
// zone: the static part of our zones, made once from the config and never changed; queries only look.
//
// A `struct zones` is shared by all workers and counted: whoever keeps it holds a reference. Looking up takes no lock
// and no heap, from any thread.
#pragma once

#include "config.h"
#include "name.h"
#include "rrset.h"

// A name that exists because of the config: it has records, or something below it has (an empty non-terminal).
struct node {
    struct bytes prefix; // folded; empty for the apex
    const struct rrset *rrsets;
    unsigned n_rrsets;
    bool is_cut;                 // NS below the apex: a delegation to somebody else
    bool is_own_challenge;       // the TXT values are those of the server's own challenge, in the store
    const struct node *wildcard; // the node "*" directly below, or a null pointer (RFC 4592)
};

struct zone {
    struct bytes apex; // folded wire form with the root
    unsigned n_labels; // of the apex
    const struct node *apex_node;
    const struct rrset *soa;         // its serial is left 0: whoever writes it sets it
    const struct node *const *table; // open addressing over name_hash of the prefix; a power of two, never full
    uint32_t table_mask;
};

struct zones;

// Makes the zones out of the config with one reference, the caller's. ERR_SYNTAX: a record does not parse, or cannot
// stand with the others; logged as zone.refused with its number. Records outside our zones are left out with a warning.
// ERR_MEMORY.
enum err zones_new(struct zones **zones, const struct conf *conf, struct log *log);

struct zones *zones_hold(struct zones *zones);
void zones_drop(struct zones *zones); // frees with the last reference

// The zone that encloses a name (the deepest), or a null pointer. `label` are the offsets of its labels, `n_labels`
// many, and of its root behind them.
const struct zone *zones_find(const struct zones *zones, const uint8_t *qname, const uint8_t *label, unsigned n_labels);

// Whether a label in lower case is a name of the configuration's, directly below the apex of one of the zones.
bool zones_have_label(const struct zones *zones, struct bytes label);

// The rrset that answers version.bind in class CHAOS, or a null pointer when that is not configured.
const struct rrset *zones_chaos_version(const struct zones *zones);

// The node under this prefix, or a null pointer. An empty prefix finds the apex.
const struct node *zone_find(const struct zone *zone, struct bytes prefix);

// The node's rrset of this type, or a null pointer.
const struct rrset *node_rrset(const struct node *node, uint16_t type);

// Where in the wire form of a SOA's rdata, counted back from its end, the serial stands.
#define SOA_SERIAL_FROM_END 20

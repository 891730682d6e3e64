// SPDX-License-Identifier: MIT
// lookup: from a sound question to the rrsets that answer it. Collects, encodes nothing; no heap; the worker's thread.
#pragma once

#include "query.h"
#include "store.h"
#include "zone.h"

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, N_SECTIONS };

// Where the owner's name ends in the message: at the qname, or at the apex inside it.
enum owner_end { OWNER_IS_QNAME, OWNER_ENDS_IN_APEX };

// An rrset and the owner it is written under: `prefix`, then a pointer.
struct found_rrset {
    const struct rrset *rrset;
    struct bytes prefix; // wire labels without a root; empty with OWNER_IS_QNAME
    enum owner_end end;
};

#define FOUND_MAX                                                                                                      \
    32 // a chain of CNAMEs and the addresses of thirteen name servers; what is more is left out of additional

struct guard;
struct tally;
struct querylog_ring;

struct found {
    enum rcode rcode;
    enum ede ede; // why it is SERVFAIL, when the client should know
    bool is_authoritative;
    bool is_referral;
    const struct zone *zone; // a null pointer: none of ours
    unsigned n[N_SECTIONS];  // how many of the rrsets below belong to each section, in this order
    unsigned n_rrsets;
    struct found_rrset rrsets[FOUND_MAX];
    struct rrset values; // made on the way, for what the store holds
};

// What a worker looks things up in.
struct lookup {
    const struct conf *conf;
    const struct zones *zones;
    struct store_reader *reader; // within store_begin and store_end; a null pointer: the store cannot be read
    enum store_fitness fitness;  // of what the reader finds
    struct guard *guard;         // limits and cookies; a null pointer: none
    struct tally *tally;         // counts answers in detail; a null pointer: nobody does
    struct querylog_ring *log;   // notes queries; a null pointer: nobody does
};

// Tells the store what messages, not yet parsed, are about to ask: at most STORE_AHEAD_MAX of them count.
void lookup_ahead(const struct lookup *lookup, const struct bytes *messages, size_t n);

// Never fails: what goes wrong is an rcode.
void lookup_find(struct found *found, const struct lookup *lookup, const struct query *query);

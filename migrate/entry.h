// SPDX-License-Identifier: MIT
// entry: one account with its values, on its way into the store or out of it.
//
// An entry is filled field by field out of the texts of a source, and each field is checked as it is set: a whole entry
// is fit for the store. All it shows are views into its own room. Any thread; nothing allocates.
#pragma once

#include "record.h"
#include "skip.h"
#include "store.h"

struct entry_value {
    struct bytes rdata;
    uint64_t at_s; // when it was published, since 1970; 0: not known
};

struct entry {
    struct account account;
    struct entry_value values[RECORD_VALUES_MAX]; // the oldest first
    unsigned n_values;
    uint64_t used_s; // as in struct txt
    unsigned n_bad_values;

    struct writer free; // what is left of the room
    uint8_t room[RECORD_MAX_BYTES];
};

// Empties it.
void entry_begin(struct entry *entry);

// Each gives SKIP_NONE, or why the account cannot be taken over.
enum skip entry_set_username(struct entry *entry, struct bytes text);  // any spelling of a UUID
enum skip entry_set_subdomain(struct entry *entry, struct bytes text); // a label in any case
enum skip entry_set_hash(struct entry *entry, struct bytes text);      // bcrypt or argon2id
enum skip entry_add_network(struct entry *entry, struct bytes text);   // without one: from everywhere
enum skip entry_set_note(struct entry *entry, struct bytes text);      // UTF-8

// Adds a value that is younger than those before, and is used_s if younger than that; one beyond RECORD_VALUES_MAX
// drives the oldest out. A text that is no challenge is counted in n_bad_values and left out.
void entry_add_text(struct entry *entry, struct bytes text, uint64_t at_s);

// The same with TXT rdata in wire form.
void entry_add_rdata(struct entry *entry, struct bytes rdata, uint64_t at_s);

// The entry as the store takes it, with its youngest `n_values` values; views into the entry. SKIP_SIZE: they are too
// much for one record.
enum skip entry_finish(struct entry *entry, unsigned n_values, struct store_entry *out);

// The hash is of the kind that acme-dns verifies.
bool entry_is_bcrypt(struct bytes hash);

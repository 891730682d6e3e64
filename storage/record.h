// SPDX-License-Identifier: MIT
// record: how accounts and values lie in the store, byte for byte. Any thread; nothing allocates.
//
// Every record begins with the version of its layout, so a later one can be told apart and read beside it. Numbers are
// in network byte order.
//
//     account   version 1 | created_s 8 | n 1, subdomain | n 2, hash | n 2, allowfrom
//               version 2 | flags 1 | as version 1 | n 1, note
//     values    version 1 | n_values 1 | n_rdata 2 | username 16 | used_s 8 | rdata of all values, n_rdata bytes |
//               n_values times 8
//               version 2 | flags 1 | as version 1
//
// The flags are those of is_disabled and is_withheld. A record is written in the oldest version that can hold it, so a
// program, or a replica, that knows nothing of the later one goes on serving what does not need it.
//
// Behind either stands its seal, a hash of the record and its key.
//
// The rdata of all values lie together, each behind its two bytes of length, just as an answer needs them: a query
// copies them out without decoding. The order is the order of age, the oldest first; the times are for people.
#pragma once

#include "account.h"

#define RECORD_VALUES_MAX 64 // values of one subdomain
#define RECORD_MAX_BYTES  (64 * 1024)

#define RECORD_SEAL_BYTES 8

// Puts the seal behind the record that is all of the writer.
void record_seal(struct writer *w, struct bytes key);

// Takes the seal off a record. ERR_CORRUPT: it does not fit the record or the key. It notices damage, not forgery.
enum err record_unseal(struct bytes key, struct bytes *record);

// ERR_CORRUPT: not such a record, or a version this program does not know.
enum err record_read_account(struct bytes record, const struct uuid *username, struct account *account);
enum err record_read_txt(struct bytes record, struct txt *txt);

// Writes a record; the writer is left bad when it does not fit.
void record_write_account(struct writer *w, const struct account *account);

// The writer is left bad too when rdata, times and n_values do not go together.
void record_write_txt(struct writer *w, const struct txt *txt);

// The record of a new subdomain, without values.
void record_write_no_values(struct writer *w, const struct uuid *username);

struct record_update {
    struct bytes rdata; // the value to be kept
    unsigned n_values;  // at most so many values are kept
    uint64_t now_s;
};

// Writes the record `old` as it is after the update: the value is the youngest, whether it was there or not; when it
// was not, the oldest beyond n_values are gone. ERR_CORRUPT: `old` is no record of values.
enum err record_write_update(struct writer *w, struct bytes old, const struct record_update *update);

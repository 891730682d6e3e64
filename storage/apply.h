// SPDX-License-Identifier: MIT
// apply: what a change makes of an account's two records, and the one function that writes it to the store.
//
// Both engines change the same records in the same way: they look up what is there, have store_apply_to make of it what
// is to be there, and write that, each in its own way.
#pragma once

#include "edit.h"

struct apply_options {
    unsigned n_values; // values kept for one subdomain
};

enum apply_part { APPLY_ACCOUNT, APPLY_VALUES, N_APPLY_PARTS };

enum apply_act { APPLY_KEEP, APPLY_PUT, APPLY_DELETE };

// The records of the change's username and subdomain as they are; one that is not there is empty.
struct apply_before {
    struct bytes records[N_APPLY_PARTS];
};

// What is to be done. The writers are the caller's, and are filled for APPLY_PUT; RECORD_MAX_BYTES are enough.
struct apply_after {
    enum apply_act acts[N_APPLY_PARTS];
    struct writer records[N_APPLY_PARTS];
};

// Whether the change looks at this record.
bool store_apply_reads(const struct change *change, enum apply_part part);

// The change's own errors, and ERR_CORRUPT. ERR_RANGE: a record does not fit. Nothing that is not read matters.
enum err store_apply_to(const struct change *change, const struct apply_options *options,
                        const struct apply_before *before, struct apply_after *after);

// Whether this is about the change alone, and nothing was written.
bool store_apply_is_refusal(enum err err);

// Applies one change within a write transaction. After a refusal the transaction can go on; after any other error it
// must be aborted.
enum err store_apply(struct edit *edit, const struct change *change, const struct apply_options *options);

// SPDX-License-Identifier: MIT
// source_kind: what each kind of source has to do. For the files of this floor.
#pragma once

#include "source.h"

struct source_kind {
    const char *name;
    bool (*is_it)(const char *where);
    // As source_open and source_next; `self` is the kind's own.
    enum err (*open)(void **self, const char *where, struct source_note *note);
    enum err (*next)(void *self, struct entry *entry, struct source_note *note);
    uint64_t (*n_accounts)(const void *self);
    void (*close)(void *self);
};

extern const struct source_kind sqlite_source;
extern const struct source_kind postgres_source;
extern const struct source_kind lines_source;

// Notes what was skipped and returns ERR_SYNTAX.
enum err source_skip(struct source_note *note, enum skip skip, struct bytes label);

// Notes why it failed, like printf, and returns `err`.
__attribute__((format(printf, 3, 4))) enum err source_fail(struct source_note *note, enum err err, const char *format,
                                                           ...);

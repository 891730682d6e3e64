// SPDX-License-Identifier: MIT
// image: the data of a store as one file, for backups. One thread; no store need be open, and servers may go on.
//
// A place is either the directory of a standalone store, in use or not, or the file of a backup. What LMDB maps may be
// damaged in a way that ends whoever reads it, so the data are only ever walked in a process of their own
// (image_verify).
#pragma once

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_WHY_MAX 320

// What was found in a walk over all records.
struct image_report {
    uint64_t n_accounts;
    uint64_t n_texts;    // TXT values
    uint64_t n_problems; // records that do not decode, do not fit together, or are not in order
    uint64_t revision;
    bool is_copy; // of what etcd holds: belongs to a replica
};

// Gets each problem as one line of text.
struct image_sink {
    void (*on_problem)(void *context, const char *text);
    void *context;
};

// Walks all records of `place` in a child process, and is told of the first hundreds of problems. ERR_OK: the walk came
// to its end; the report says what it found. ERR_NOT_FOUND, ERR_CORRUPT (no store, or so damaged that it cannot be
// walked), ERR_NEWER, ERR_SYSTEM, ERR_STORE: `why` says more.
enum err image_verify(const char *place, struct image_sink sink, struct image_report *report, char why[IMAGE_WHY_MAX]);

// Writes the data of `place`, all of one moment and compacted, to `file` (mode 0600), which is replaced at once by the
// whole copy or not at all; the copy has been verified, and is synced. Errors as above.
enum err image_copy(const char *place, const char *file, struct image_report *report, char why[IMAGE_WHY_MAX]);

// Puts a copy of the backup `file` in place of the data in `directory`, at once or not at all, after it was verified
// there. ERR_EXISTS: there are accounts in the directory, and not `is_forced`. ERR_BUSY: a server has the directory
// open. Else as above; ERR_CORRUPT: the backup is damaged, or a replica's copy.
enum err image_restore(const char *file, const char *directory, bool is_forced, struct image_report *report,
                       char why[IMAGE_WHY_MAX]);

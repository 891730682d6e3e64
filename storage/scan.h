// SPDX-License-Identifier: MIT
// scan: every record of a table of a snapshot, in the order of the keys. The pages are read as descent.h reads them.
#pragma once

#include "snapshot.h"

struct scan {
    struct snapshot *snapshot;
    enum env_table table;
    unsigned depth; // of the way down to the page that is read
    struct scan_level {
        struct page page;
        unsigned next; // node
    } way[PAGE_DEPTH_MAX];
    bool has_begun;
    uint8_t key_space[PAGE_KEY_MAX];
};

// Between snapshot_begin and snapshot_end.
void scan_begin(struct scan *scan, struct snapshot *snapshot, enum env_table table);

// The next record without its seal, a view that is valid until the next look-up in this table; the key's is valid until
// the next call. ERR_NOT_FOUND: there are no more. ERR_CORRUPT: this record is damaged, or when the key is empty, a
// page with all that is below it; the scan can go on. ERR_STORE: a page cannot be read.
enum err scan_next(struct scan *scan, struct bytes *key, struct bytes *record);

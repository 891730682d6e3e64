// SPDX-License-Identifier: MIT
// edit: one write transaction. The thread that writes; one edit at a time.
//
// Before LMDB is let near a key, the pages that it is going to touch are checked as they were last committed. After a
// failure of LMDB the edit must be aborted; ERR_NOT_FOUND, ERR_EXISTS and ERR_CORRUPT come before anything was changed.
#pragma once

#include "env.h"
#include "page_node.h"

struct edit {
    struct env *env; // a null pointer: none is open
    MDB_txn *txn;
    bool is_changed; // there is something to commit

    // The leaf that was last checked, and of which table.
    bool has_checked;
    enum env_table table;
    struct page_node_range range;
};

// Begins to write, reviving LMDB if it has to (revive.h). ERR_STORE, ERR_MEMORY.
enum err edit_begin(struct edit *edit, struct env *env);

// Ends it, for better or worse: an error means that nothing of it is there.
enum err edit_commit(struct edit *edit);
void edit_abort(struct edit *edit); // takes one that is not open, too

// One record without its seal, a view into the transaction, valid until the next change. ERR_NOT_FOUND, ERR_CORRUPT.
enum err edit_get(struct edit *edit, enum env_table table, struct bytes key, struct bytes *record);

// Puts a record, sealed. ERR_FULL, ...
enum err edit_put(struct edit *edit, enum env_table table, struct bytes key, struct bytes record);

// ERR_NOT_FOUND.
enum err edit_delete(struct edit *edit, enum env_table table, struct bytes key);

// The first key that is not before `key`, a view until the next change. ERR_NOT_FOUND: there is none.
enum err edit_find_from(struct edit *edit, enum env_table table, struct bytes key, struct bytes *found);

// A number of the meta table; 0 when it is not there.
enum err edit_get_number(struct edit *edit, const char *name, uint64_t *number);
enum err edit_put_number(struct edit *edit, const char *name, uint64_t number);

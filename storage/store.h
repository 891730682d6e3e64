// SPDX-License-Identifier: MIT
// store: the accounts and their TXT values, durable. The only face of this floor.
//
// Reading: each thread opens its own `struct store_reader` and reads between store_begin and store_end, all of it from
// one snapshot; views stay valid until store_end. Reading takes no lock, no heap and waits for nobody.
//
// Writing: a `struct change` is submitted from any thread and applied by the store's single writer thread. Changes that
// wait at the same time share one transaction and one sync to disk (group commit). The change belongs to the store from
// store_submit until its `on_done` is called, on the writer's thread, with `result` set: ERR_OK means durable.
//
// The store logs its own failures (store.*); callers only pass the error on.
#pragma once

#include "account.h"
#include "counters.h"
#include "log.h"

struct store;

// Makes the store's directory unless it is there; store_open does it too. ERR_SYSTEM. ERR_FORBIDDEN: others can get at
// the files in it, or at the directory, and it is ours (place.c). Logged as store.refused.
enum err store_make_directory(const char *directory, struct log *log);
struct store_reader;

struct store_options {
    const char *directory; // made 0700 when it is not there
    uint64_t map_bytes;    // upper limit of the store's size; address space, not memory
    unsigned n_values;     // TXT values kept for one subdomain
    unsigned n_readers;    // readers that will be open at once
    struct log *log;
};

// Opens or makes the store and starts its writer. ERR_NEWER: written by a newer version. ERR_CORRUPT: not a store, or a
// damaged one. ERR_SYSTEM, ERR_STORE, ERR_MEMORY. Each has been logged as store.refused, with the reason.
enum err store_open(struct store **store, const struct store_options *options);

// Commits what waits, stops the writer and closes. All readers must be closed before.
void store_close(struct store *store);

// Counters of the writer thread; valid as long as the store.
const struct counters *store_counters(const struct store *store);

// Whether the last transaction could be committed: false from a failed commit to the next that succeeds.
bool store_is_writable(const struct store *store);

enum err store_reader_open(struct store_reader **reader, struct store *store);
void store_reader_close(struct store_reader *reader);

// Takes a fresh snapshot. ERR_STORE when LMDB refuses: there is none, and store_end must not be called.
enum err store_begin(struct store_reader *reader);
void store_end(struct store_reader *reader);

// The number of changes in the snapshot; it grows with each change and is what the SOA serial is made of.
uint64_t store_revision(struct store_reader *reader);

// The values under one lower-case label. ERR_NOT_FOUND: not registered. ERR_CORRUPT, ERR_STORE.
enum err store_find_txt(struct store_reader *reader, struct bytes label, struct txt *txt);

// ERR_NOT_FOUND, ERR_CORRUPT, ERR_STORE.
enum err store_find_account(struct store_reader *reader, const struct uuid *username, struct account *account);

enum change_kind {
    CHANGE_REGISTER, // account: all of it. ERR_EXISTS when the username or the subdomain is taken
    CHANGE_UPDATE,   // account.username, account.subdomain, rdata. ERR_NOT_FOUND when the subdomain is not that
                     // account's. A value that is there already becomes the youngest; else the oldest beyond n_values
                     // goes
};

struct change {
    enum change_kind kind;
    struct account account; // views that stay valid until on_done
    struct bytes rdata;     // TXT rdata in wire form
    uint64_t now_s;         // the time to be stored, since 1970

    enum err result;
    void (*on_done)(struct change *change); // on the writer's thread; must be quick
    struct change *next;                    // the store's, while it has the change
};

// Never fails at once; a failure (ERR_FULL, ERR_STORE, ERR_EXISTS, ERR_NOT_FOUND, ERR_CORRUPT, ERR_STOPPING) comes with
// on_done.
void store_submit(struct store *store, struct change *change);

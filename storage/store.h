// SPDX-License-Identifier: MIT
// store: the accounts and their TXT values, durable. The only face of this floor.
//
// Standalone, the store is an LMDB of its own. As one of several replicas it is a copy, in LMDB again, of what etcd
// holds: readers never know which it is, and a change is done when every live replica serves it.
//
// Reading: each thread opens its own `struct store_reader` and reads between store_begin and store_end, all of it from
// one snapshot; what is found stays valid until the next look-up of its kind or store_end. Reading takes no heap, no
// lock that anybody else wants, and waits for nobody.
//
// Writing: a `struct change` is submitted from any thread and applied by the store's single writer thread. Changes that
// wait at the same time share one transaction and one sync to disk (group commit). The change belongs to the store from
// store_submit until its `on_done` is called, on the writer's thread, with `result` set: ERR_OK means durable.
//
// The store logs its own failures (store.*); callers only pass the error on.
#pragma once

#include "account.h"
#include "counters.h"
#include "histogram.h"
#include "log.h"

struct store;

// Makes the store's directory unless it is there; store_open does it too. ERR_SYSTEM. ERR_FORBIDDEN: others can get at
// the files in it, or at the directory, and it is ours (place.c). Logged as store.refused.
enum err store_make_directory(const char *directory, struct log *log);
struct store_reader;

// How to be one of several replicas. The texts are never null pointers.
struct store_cluster {
    const char *const *endpoints; // http://HOST:PORT or https://HOST:PORT
    size_t n_endpoints;
    const char *prefix;   // of all keys, without a final '/'
    const char *username; // empty: no authentication, or by the client certificate
    const char *password;
    const char *tls_ca; // PEM files; empty: the system's authorities, no client certificate
    const char *tls_cert;
    const char *tls_key;
    const char *replica_id; // for people; empty: the host's name
    unsigned connect_ms;
    unsigned request_ms; // of one call; a change that etcd has not confirmed after twice as long is given up
    unsigned lease_s;    // a replica that is silent for so long does not count as live
    unsigned barrier_s;  // how long a change waits for the other replicas
    unsigned stale_s;    // a copy that etcd has not confirmed for longer is stale
    bool refuses_stale;  // STORE_STALE is worth telling
};

struct store_options {
    const struct store_cluster *cluster; // a null pointer: standalone. It and what it points to must outlive the store
    const char *directory;               // made 0700 when it is not there
    bool is_guest;                       // for a short time, beside servers that run; see below
    uint64_t map_bytes;                  // upper limit of the store's size; address space, not memory
    uint64_t check_max_bytes;            // up to this size a store is checked whole when it is opened
    unsigned n_values;                   // TXT values kept for one subdomain
    unsigned n_readers;                  // readers that will be open at once
    struct log *log;
};

// Opens or makes the store and starts its writer; a replica takes some time to get in step (cluster.h). ERR_NEWER:
// written by a newer version. ERR_CORRUPT: not a store, or a damaged one. ERR_EXISTS: a standalone store where a copy
// should be, or the other way round. ERR_SYSTEM, ERR_STORE, ERR_MEMORY. Each has been logged as store.refused, with the
// reason. `options` must outlive the store when there is a cluster.
//
// Several processes may have a standalone store open and change it at the same time; each sees what the others have
// committed from its next snapshot on. A server's copy of what etcd holds has one owner, and is not to be opened beside
// him: a guest of the cluster makes a copy of its own below `directory`, from which it vanishes again at once. It does
// what replicas do, except that nobody waits for it: what it has changed all live replicas have applied, but what they
// change it may see later. ERR_UNREACHABLE: etcd cannot be reached.
enum err store_open(struct store **store, const struct store_options *options);

// Commits what waits, stops the writer and closes. All readers must be closed before.
void store_close(struct store *store);

// Counters of the writer thread; valid as long as the store.
const struct counters *store_counters(const struct store *store);

// What the writer thread does, in nanoseconds and in changes; valid as long as the store.
struct store_histograms {
    struct histogram commit_ns;  // of one transaction, to the end of its sync to disk
    struct histogram changes;    // of one transaction: of LMDB, or of a replica's with etcd
    struct histogram barrier_ns; // replica: from etcd's word to that of all live replicas
};
const struct store_histograms *store_histograms(const struct store *store);

// Whether the last transaction could be committed: false from a failed commit to the next that succeeds, which is tried
// every two seconds.
bool store_is_writable(const struct store *store);

// Whether answers may be given from what the store holds.
enum store_fitness {
    STORE_FIT,
    STORE_NOT_LOADED, // a replica that has never had a whole copy
    STORE_STALE       // a replica out of touch for longer than stale_s, when refuses_stale
};

// Cheap enough for every batch of questions; any thread.
enum store_fitness store_fitness(const struct store *store);

// How a replica stands; a standalone store is always in step. The texts are static.
struct store_status {
    const char *state; // a null pointer: standalone
    const char *why;   // it is not in step, or stale
    bool is_in_step;   // what was acknowledged anywhere is served here
    bool is_stale;     // etcd has not confirmed the copy for longer than stale_s, or never
    int64_t age_ms;    // since etcd confirmed the copy; -1: never
    uint64_t n_lag;    // revisions that etcd was last known to be ahead of the copy
    uint64_t n_live;   // replicas that updates wait for, this one included
};

struct store_status store_status(const struct store *store);

enum err store_reader_open(struct store_reader **reader, struct store *store);
void store_reader_close(struct store_reader *reader);

// Takes a fresh snapshot. ERR_STORE, ERR_CORRUPT: there is none, and store_end must not be called.
enum err store_begin(struct store_reader *reader);
void store_end(struct store_reader *reader);

// How large the store is, in the snapshot at hand. ERR_STORE; ERR_SYSTEM: the disk does not tell.
struct store_usage {
    uint64_t n_accounts;
    uint64_t map_bytes;  // how large the store may grow
    uint64_t used_bytes; // how far it has grown
    uint64_t free_bytes; // of them, what is to be used again
    uint64_t disk_bytes; // of the disk it is on
    uint64_t disk_free_bytes;
};
enum err store_usage(struct store_reader *reader, struct store_usage *usage);

// Grows with each change and is what the SOA serial is made of: the number of changes in the snapshot, or for a replica
// etcd's revision of the last one, the same on all replicas.
uint64_t store_revision(struct store_reader *reader);

// What store_find_txt is going to be asked for in this snapshot: labels in any case, in about the order of the
// questions. To say so is never needed; look-ups that are known together are made together, which is cheaper. At most
// STORE_AHEAD_MAX labels count, and only those of the last call.
#define STORE_AHEAD_MAX 32
void store_look_ahead(struct store_reader *reader, const struct bytes *labels, size_t n);

// The values under one lower-case label. ERR_NOT_FOUND: not registered. ERR_CORRUPT, ERR_STORE.
enum err store_find_txt(struct store_reader *reader, struct bytes label, struct txt *txt);

// ERR_NOT_FOUND, ERR_CORRUPT, ERR_STORE.
enum err store_find_account(struct store_reader *reader, const struct uuid *username, struct account *account);

// An account with its values, or what is the matter with it.
struct store_entry {
    struct account account;
    struct txt txt;
    enum err err; // ERR_CORRUPT: a record does not decode. ERR_NOT_FOUND: there is no record of its values. Then of
                  // the account only the username is sure to be there, and nothing of txt
};

// Calls `on_entry` for each account of the snapshot, in the order of usernames, until it returns false. The entry is
// valid for the call. ERR_STORE: it was not all.
enum err store_each(struct store_reader *reader, bool (*on_entry)(void *context, const struct store_entry *entry),
                    void *context);

// How many accounts there are in the snapshot. ERR_STORE.
enum err store_count(struct store_reader *reader, uint64_t *n_accounts);

// What is wanted of a change is told by these; the rest of it may be left zero. All kinds but CHANGE_REGISTER end with
// ERR_NOT_FOUND when the subdomain is not that account's, or there is no such account.
enum change_kind {
    CHANGE_REGISTER, // account: all of it; values: with these. ERR_EXISTS: the username or the subdomain is taken. One
                     // that is there already, with the same account, is ERR_OK and left as it is
    CHANGE_UPDATE,   // account.username, account.subdomain, rdata. A value that is there already becomes the youngest;
                     // else the oldest beyond n_values goes. ERR_DISABLED. new_hash, unless it is empty, takes the
                     // place of account.hash, if that is still the account's hash
    CHANGE_ACCOUNT,  // account: all of it, as it is to be, where `before` is. ERR_CONFLICT: it is something else
    CHANGE_CLEAR,    // account.username, account.subdomain. The values go; the time of the last use stays
    CHANGE_DELETE,   // account.username, account.subdomain. ERR_OK when there is no such account
};

struct change {
    enum change_kind kind;
    struct account account; // views that stay valid until on_done, as do the following
    struct bytes rdata;     // TXT rdata in wire form
    struct bytes new_hash;
    const struct account *before; // as it was read
    const struct txt *values;     // a null pointer: none. Their username and is_withheld are the account's
    uint64_t now_s;               // the time to be stored, since 1970

    enum err result;
    void (*on_done)(struct change *change); // on the writer's thread; must be quick

    // The store's, while it has the change.
    struct change *next;
    uint64_t deadline_ms;
    uint64_t began_ns; // when etcd had confirmed it
    uint64_t revision;
};

// Never fails at once; a failure (ERR_FULL, ERR_STORE, ERR_CORRUPT, ERR_STOPPING, or one of the kind's) comes with
// on_done. A replica's also: ERR_UNREACHABLE, etcd has not confirmed the change in time, though it may have it;
// ERR_BARRIER, etcd has it, but not every live replica within barrier_s. Both may be tried again without harm.
void store_submit(struct store *store, struct change *change);

// How an account that was to be brought in ended.
enum import_fate {
    IMPORT_NEW,     // it was brought in
    IMPORT_SAME,    // it is there already, with the same values
    IMPORT_DIFFERS, // an account of that name is there, but something about it is different: that stays as it is
    IMPORT_TAKEN    // its subdomain is another account's: it was left out
};

struct store_import {
    // The next account, valid until the next call. ERR_NOT_FOUND: that was all. Any other error ends the import.
    enum err (*next)(void *context, struct store_entry *entry);
    // How that one ended; in the order of `next`. A null pointer: nobody wants to know.
    void (*on_fate)(void *context, const struct store_entry *entry, enum import_fate fate);
    void *context;
    bool is_trial; // nothing is kept
};

// Brings accounts in, on the caller's thread. On a standalone store all of them or, after an error, none: it is one
// transaction, and while it lasts all other changes to the store wait. What etcd holds takes many transactions: after
// an error some of the accounts are there, each of them whole; importing the same once more brings in the others. The
// error of `next`; ERR_RANGE: an account does not fit a record; else as of store_submit.
enum err store_import(struct store *store, const struct store_import *import);

// A text of at most STORE_SHARED_MAX bytes that all replicas have in common, beside the data: for the certificate,
// which one of them gets and all use. store_share replaces it, soon. store_shared appends it when it is not the version
// that the caller knows, which starts with 0, and tells that; ERR_NOT_FOUND: there is nothing new. A standalone store
// has none. ERR_MEMORY.
#define STORE_SHARED_MAX (128 * 1024)
enum err store_share(struct store *store, struct bytes text);
enum err store_shared(struct store *store, uint64_t *version, struct writer *text);

// Whether to do what only one of several replicas is to do: of those that are live and in step, one at a time thinks
// so, or for moments two. Always true standalone.
bool store_is_first(const struct store *store);

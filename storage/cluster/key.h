// SPDX-License-Identifier: MIT
// key: how things are called in etcd. Any thread; nothing allocates.
//
//     PREFIX/data/account/USERNAME   an account record; the username as a canonical UUID
//     PREFIX/data/last               written with every change, by its revision the age of the data; its value: a
//                                    replica
//     PREFIX/data/value/SUBDOMAIN    a record of values
//     PREFIX/live/REPLICA            under the replica's lease; its value: the revision it has applied, in decimal
//     PREFIX/live/REPLICA/mark       the replica has not said farewell, nor have the others waited in vain for it
//     PREFIX/own/certificate         a text that is not the store's business (shared.h)
//
// The records are the store's own, byte for byte. The order of these names is the order of the store's keys, so both
// can be walked side by side.
#pragma once

#include "uuid.h"

#define KEY_PREFIX_MAX  200
#define KEY_REPLICA_MAX 80 // the longest replica id
#define KEY_MAX         (KEY_PREFIX_MAX + KEY_REPLICA_MAX + 20)

enum key_kind {
    KEY_OTHER, // nothing of ours
    KEY_ACCOUNT,
    KEY_LAST,
    KEY_VALUE,
    KEY_LIVE,
    KEY_MARK,
    KEY_SHARED
};

struct key {
    enum key_kind kind;
    struct uuid username; // KEY_ACCOUNT
    struct bytes name;    // KEY_VALUE: the subdomain; KEY_LIVE, KEY_MARK: the replica; a view
};

// What a key of etcd stands for under this prefix.
struct key key_parse(const char *prefix, struct bytes text);

struct key_text {
    size_t n;
    char at[KEY_MAX];
};

struct key_text key_of_account(const char *prefix, const struct uuid *username);
struct key_text key_of_value(const char *prefix, struct bytes subdomain);
struct key_text key_of_last(const char *prefix);
struct key_text key_of_shared(const char *prefix);
struct key_text key_of_live(const char *prefix, const char *replica);
struct key_text key_of_mark(const char *prefix, const char *replica);

// A range of etcd: from `first` up to, but without, `end`.
struct key_range {
    struct key_text first;
    struct key_text end;
};

enum key_part { KEY_ALL, KEY_DATA, KEY_LIVES };

struct key_range key_range_of(const char *prefix, enum key_part part);

// SPDX-License-Identifier: MIT
// shelf: the files in the cache directory. The agent's.
//
//     api.pem                                the certificate in use (bundle.h)
//     account-HASH/private/key.pem           the account with the directory that the hash is made of; the folder is
//     account-HASH/[private/]NAME/           what uacme calls its configuration
//
// Every certificate gets a new key: what uacme leaves is removed before an order and after it.
#pragma once

#include "config.h"

#define SHELF_PATH_MAX 8192

struct shelf {
    const struct conf *conf;
    char folder[SHELF_PATH_MAX]; // account-HASH
};

// ERR_SPACE: the path is too long. ERR_SYSTEM: a folder cannot be made.
enum err shelf_open(struct shelf *shelf, const struct conf *conf);

bool shelf_has_account(const struct shelf *shelf);

// The account's key. Reading: ERR_NOT_FOUND. Writing, for an account that is known elsewhere: ERR_SYSTEM.
enum err shelf_read_account(const struct shelf *shelf, struct writer *w);
enum err shelf_write_account(const struct shelf *shelf, struct bytes key);

// Removes the certificate and key of an order.
void shelf_clear(const struct shelf *shelf);

// Makes the bundle of what uacme has left, and puts it in place of the last one, on disk. ERR_NOT_FOUND: something is
// missing. ERR_SPACE, ERR_SYSTEM.
enum err shelf_put(const struct shelf *shelf, struct writer *bundle);

// Puts a bundle that came from elsewhere in place of the last one, on disk. ERR_SYSTEM.
enum err shelf_write_bundle(const struct shelf *shelf, struct bytes bundle);

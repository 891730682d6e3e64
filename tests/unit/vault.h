// SPDX-License-Identifier: MIT
// vault: a store in a folder of its own, with one reader and a log. What goes wrong here fails the test.
#pragma once

#include "store.h"
#include "tempdir.h"

struct vault {
    struct tempdir dir; // the log in "log", the store in "data"
    struct log *log;
    struct store *store; // a null pointer while it is closed
    struct store_reader *reader;
    bool is_unchecked; // set before vault_open: the file is not checked whole
};

struct vault_size {
    uint64_t map_bytes;
    unsigned n_values;
};

#define VAULT_USUAL ((struct vault_size){16 << 20, 2})

// A folder with a log and without a store; the caller owns it.
struct vault *vault_new(void);
void vault_free(struct vault *vault);

// Opens the store, or tells why not.
enum err vault_open(struct vault *vault, struct vault_size size);
void vault_close(struct vault *vault);

// All of the log so far, and nothing of it from now on. To be freed.
char *vault_take_log(struct vault *vault);

// The values of a subdomain, each behind a blank; "-" when it is not registered. To be freed. Takes a snapshot of its
// own.
char *vault_values(struct vault *vault, const char *subdomain);
void vault_expect_values(struct vault *vault, const char *subdomain, const char *values);

uint64_t vault_revision(struct vault *vault);
uint64_t vault_count(const struct vault *vault, enum counter which);

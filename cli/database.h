// SPDX-License-Identifier: MIT
// database: what the configuration says about the store, as the store wants to hear it.
#pragma once

#include "config.h"
#include "store.h"

// Must stay where it is as long as the store is open.
struct database {
    struct store_cluster cluster; // with engine = "etcd"
    struct store_options options;
};

// Views into `conf`.
void database_read(struct database *database, const struct conf *conf, struct log *log);

// Where the store of a server lies.
const char *database_directory(const struct conf *conf);

// SPDX-License-Identifier: MIT
// guest: the store for a command that works beside running servers, or without any. Main thread.
#pragma once

#include "database.h"

struct guest {
    struct conf *conf;
    struct log *log; // errors, to standard error
    struct database database;
    struct store *store;
    struct store_reader *reader;
};

// Reads the configuration (cmd_config_load), becomes general_user when root, and opens the store and one reader. What
// is made by root in somebody's directory is given to him, as the server could not open it otherwise. Returns 0, or the
// exit status: what is wrong has been told on standard error, and there is nothing to close. A standalone store whose
// directory is not there is an error, too.
int guest_open(struct guest *guest, const char *file);

// The same with a configuration that was read before, which belongs to the guest from now on; a store is made.
int guest_open_conf(struct guest *guest, struct conf *conf);

void guest_close(struct guest *guest);

// Submits the change, with the time, and waits for its end.
enum err guest_change(struct guest *guest, struct change *change);

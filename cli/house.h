// SPDX-License-Identifier: MIT
// house: everything that lives as long as the server runs, opened floor by floor and closed in reverse. Main thread.
#pragma once

#include "api.h"
#include "database.h"
#include "exporter.h"
#include "server.h"
#include "vitals.h"

struct house {
    struct conf *conf;
    struct log *log;
    struct log *querylog; // a file of its own; a null pointer: none
    struct audit *audit;  // a null pointer: none
    struct database database;
    struct store *store;
    struct zones *zones;
    struct server *server;
    struct api *api;
    struct exporter *exporter; // a null pointer: nobody is told
    struct store_reader *metrics_reader;
    struct vitals vitals;
    char *metrics_addresses; // as the next; a null pointer: none
    char *api_addresses;     // "http://127.0.0.1:8053,…"
};

// Opens all of it out of `conf`, which belongs to the house from now on; the API runs on `loop`. What failed has been
// logged, and what was opened is still open: house_close either way.
enum err house_open(struct house *house, struct conf *conf, uv_loop_t *loop);

// After the API has stopped, or never started.
void house_close(struct house *house);

// What SIGHUP asks for: the log file, certificates, and static records out of the config file. Each is logged; what
// cannot be reloaded stays as it is.
void house_reload(struct house *house);

// One counter, over all threads.
uint64_t house_total(const struct house *house, enum counter which);

// Logs all counters as serve.counters.
void house_report(const struct house *house);

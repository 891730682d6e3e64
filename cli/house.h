// SPDX-License-Identifier: MIT
// house: everything that lives as long as the server runs, opened floor by floor and closed in reverse. Main thread.
#pragma once

#include "acme.h"
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
    struct agent agent; // with tls "letsencrypt", until it belongs to acme
    struct acme *acme;
    bool is_acme_running;
    struct exporter *exporter; // a null pointer: nobody is told
    struct store_reader *metrics_reader;
    struct vitals vitals;
    char *metrics_addresses; // as the next; a null pointer: none
    char *api_addresses;     // "http://127.0.0.1:8053,…"
};

// What comes before threads and loops, out of `conf`, which belongs to the house from now on: the log, the user to be,
// the process that runs the ACME client, and the first half of the sandbox. What failed has been logged, and what was
// opened is still open: house_close either way.
enum err house_begin(struct house *house, struct conf *conf);

// Opens all the rest; the API runs on `loop`. As above.
enum err house_open(struct house *house, uv_loop_t *loop);

// Before the API is stopped: nothing is ordered any more.
void house_leave(struct house *house);

// After the API has stopped, or never started.
void house_close(struct house *house);

// What SIGHUP asks for: the log file, certificates, and static records out of the config file. Each is logged; what
// cannot be reloaded stays as it is.
void house_reload(struct house *house);

// One counter, over all threads.
uint64_t house_total(const struct house *house, enum counter which);

// Logs all counters as serve.counters.
void house_report(const struct house *house);

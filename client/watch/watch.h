// SPDX-License-Identifier: MIT
// watch: looks at many domains and servers, remembers how each stands, and tells somebody when that gets worse.
//
// One thread. State is kept in one file, which only one watch uses at a time (a lock beside it); it is written after
// every look that has changed something, so that a restart neither forgets nor repeats an alert.
#pragma once

#include "alert.h"
#include "check.h"
#include "probe.h"
#include "standing.h"

enum { WATCH_PLACE_MAX = 512, WATCH_STEPS_MAX = 12 };

struct watch_options {
    struct check_options check;
    struct alert_options alert;
    struct standing_rules rules;
    const char *state_file;
    const char *metrics_file; // NULL: none
    unsigned timeout_ms;      // of TLS, of calls
};

// What a look at a subject found, for reports and metrics.
struct watch_look {
    const char *failed_steps[WATCH_STEPS_MAX]; // of the check, static words; the rest NULL
    bool has_warnings;
    struct probe_result probe;
    unsigned took_ms;
    int64_t looked_s; // 0: not yet
};

// A domain, or a server that is probed.
struct subject {
    char name[CHECK_DOMAIN_MAX + WATCH_PLACE_MAX]; // the domain; "probe NAME at URL"
    char place[WATCH_PLACE_MAX];                   // HOST:PORT or path of the certificate; empty: none
    char expect[CHECK_DOMAIN_MAX];                 // the CNAME's right target; empty: as in the options
    const struct probe *probe;                     // NULL: a domain
    struct standing standing;
    struct watch_look look;
};

struct watch;

// `options` is kept. Reads the state file, or begins anew when there is none; one that cannot be understood is put
// aside as FILE.bad. ERR_BUSY: another watch uses it; ERR_SYSTEM: it cannot be read, or its directory not be written;
// each is said on standard error. ERR_MEMORY.
enum err watch_open(struct watch **watch, const struct watch_options *options);

void watch_close(struct watch *watch);

// Adds a domain. `place`: HOST:PORT, a path, "-" for none, or NULL for DOMAIN:443. `expect` may be NULL. ERR_SYNTAX:
// not a domain name, or too long; ERR_EXISTS: it is there already; ERR_MEMORY.
enum err watch_add(struct watch *watch, const char *domain, const char *place, const char *expect);

// Adds each line of a file: DOMAIN [PLACE [FULLDOMAIN]], '#' begins a comment. Says on standard error what is wrong.
// ERR_NOT_FOUND, ERR_SYNTAX, ERR_MEMORY.
enum err watch_add_file(struct watch *watch, const char *file);

// Adds servers to probe; `probes` is kept. ERR_MEMORY.
enum err watch_add_probes(struct watch *watch, const struct probes *probes);

// Looks at subject `i`, sends what has to be told, and writes state and metrics. True: its state has changed.
bool watch_look(struct watch *watch, size_t i);

size_t watch_n(const struct watch *watch);
const struct subject *watch_subject(const struct watch *watch, size_t i);

// The text for Prometheus, from malloc. NULL: out of memory.
char *watch_metrics(const struct watch *watch);

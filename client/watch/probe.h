// SPDX-License-Identifier: MIT
// probe: a small update through a server's API that harms nobody, and how long it took until DNS has it.
//
// An account's values are never pushed out: what is there already is written once more, and only where there is nothing
// a value is made up. An account that holds several values may be in the middle of a validation; there the value sent
// is one that no server takes ("bad_txt"), which proves the way up to the check of the password. An account of the
// probe's own is best.
#pragma once

#include "walk.h"

#include <jansson.h>

enum { PROBE_REASON_MAX = 384, PROBES_MAX = 64 };

// One account at one server; texts point into `file`.
struct probe {
    const char *name; // the credentials' key in the file
    const char *server, *username, *password, *subdomain, *fulldomain;
};

struct probes {
    json_t *file;
    size_t n;
    struct probe at[PROBES_MAX];
};

// Reads credentials as certbot's hook for acme-dns and goacmedns keep them: {"example.com": {"username", "password",
// "fulldomain", "subdomain", "server_url"}}; an account without server_url is tried at each of `servers`. Says on
// standard error what is wrong. ERR_NOT_FOUND: the file cannot be read; ERR_SYNTAX: it is no such file; ERR_RANGE: no
// server, or too many.
enum err probes_read(struct probes *probes, const char *file, const char *const *servers, size_t n_servers);

void probes_free(struct probes *probes);

struct probe_options {
    const struct walk_options *walk;
    const char *ca_file;
    unsigned timeout_ms; // of the call, and again of DNS
};

struct probe_result {
    bool is_well;
    bool was_published; // a value went all the way
    unsigned update_ms;
    unsigned dns_ms; // until the last address of the zone had it
    char reason[PROBE_REASON_MAX];
};

void probe_run(const struct probe *probe, const struct probe_options *options, struct probe_result *result);

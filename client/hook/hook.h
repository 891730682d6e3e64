// SPDX-License-Identifier: MIT
// hook: publishes challenges at one or several servers, and returns when the world sees them.
//
// A run gets the accounts it lacks, makes sure that the CNAME leads to one of them, sends the value to every server,
// and waits until every name server that can be reached serves it. One dead server, or one name server out of reach, is
// a warning; so is a name server without the value, when one of the servers did not take it.
#pragma once

#include "form.h"
#include "outcome.h"
#include "upstream.h"

#include <stdbool.h>

enum { HOOK_SERVERS_MAX = 8, HOOK_UPSTREAMS_MAX = 16, HOOK_NETWORKS_MAX = 32 };

// The texts are the caller's.
struct hook_options {
    const char *servers[HOOK_SERVERS_MAX]; // URLs without a final slash; the first is a new domain's own
    size_t n_servers;
    const char *credentials;                 // the file
    const char *token;                       // for registrations; NULL: none
    const char *networks[HOOK_NETWORKS_MAX]; // allowfrom of new accounts
    size_t n_networks;
    const char *fallback; // a command for the shell; NULL: none
    struct upstream roots[HOOK_UPSTREAMS_MAX];
    size_t n_roots;
    struct upstream resolvers[HOOK_UPSTREAMS_MAX];
    size_t n_resolvers;
    const char *ca_file;   // NULL: the system's authorities
    unsigned deadline_s;   // of all but the waiting for a CNAME
    unsigned cname_wait_s; // how long a missing CNAME is waited for
    unsigned call_s;       // of one call to a server
    bool is_unseen;        // returns as soon as the value is published: looks neither for the CNAME nor for the value
};

// Says on standard error what happens. FORM_REGISTER prints the CNAME records on standard output.
enum outcome hook_run(const struct hook_options *options, const struct form *form);

// SPDX-License-Identifier: MIT
// sight: what the world sees at "_acme-challenge.DOMAIN": where its CNAME leads, and who serves the value.
//
// Every look is a new one, from the root down to the name servers that are responsible. Where this machine may not ask
// them (a firewall on port 53), the resolvers are asked instead: those of the options, else the system's. Blocks until
// `until_ms` at most. One thread.
#pragma once

#include "walk.h"

enum { SIGHT_NAME_MAX = 256, SIGHT_VALUES_MAX = 8, SIGHT_VALUE_MAX = 256, SIGHT_WHY_MAX = 320 };

struct sight_options {
    const struct upstream *roots; // none: the real ones
    size_t n_roots;
    const struct upstream *resolvers; // to be asked after the name servers
    size_t n_resolvers;
    const char *ca_file; // for resolvers over HTTPS; may be NULL
    int64_t until_ms;    // of ask_now_ms
};

// The names that the CNAMEs lead to, the last one last.
struct sight_way {
    bool is_known; // false: nobody could be asked, and `why` says so
    unsigned n_names;
    char names[WALK_LINKS_MAX][SIGHT_NAME_MAX];
    char why[SIGHT_WHY_MAX];
};

void sight_follow(const struct sight_options *options, const char *domain, struct sight_way *way);

// Who serves a value: each address of each name server of the name's zone, over UDP and TCP, then each resolver. One
// that does not answer is silent and counts for neither side.
struct sight_view {
    unsigned n_serving;
    unsigned n_lacking;
    unsigned n_silent;
    bool is_by_resolvers;        // the name servers could not be asked
    char lacking[SIGHT_WHY_MAX]; // one of them, and what it says
    char silent[SIGHT_WHY_MAX];  // one of them
};

void sight_look(const struct sight_options *options, const char *domain, const char *value, struct sight_view *view);

// The values that the first name server to answer has, the oldest first.
struct sight_values {
    unsigned n;
    char at[SIGHT_VALUES_MAX][SIGHT_VALUE_MAX];
};

void sight_read(const struct sight_options *options, const char *domain, struct sight_values *values);

// SPDX-License-Identifier: MIT
// route: which handler serves a path and a method.
//
// Pure; any thread. Letters of the path fold case, empty segments ("//register", "/register/") do not count, and the
// path may come in a whole URL (RFC 9112 3.2.2).
#pragma once

#include "bytes.h"
#include "config.h"

struct request;

struct route {
    const char *name;    // in metrics and in the audit log
    const char *path;    // without the first slash
    const char *method;  // GET serves HEAD too
    const char *methods; // of all routes of this path, as in Allow and Access-Control-Allow-Methods
    bool is_cheap;       // not worth to be limited
    bool takes_prefix;   // may stand behind a token: /<token>/register
    void (*on_request)(struct request *request);
};

struct route_match {
    const struct route *route; // set for ERR_METHOD too
    struct bytes prefix;       // the segment before the route's path, in `path`; empty when there is none
    bool is_options;           // the method is OPTIONS: answered for the path, not by a route
};

// Routes by number, below route_n; 0 is the place of requests that have none, a null pointer. The name is static.
size_t route_n(void);
size_t route_number(const struct route *route);
const char *route_name(size_t number);
// The nth route, or a null pointer behind the last.
const struct route *route_at(size_t n);

// ERR_NOT_FOUND: no such path, or one that is switched off. ERR_METHOD: the path is there for other methods.
enum err route_find(const struct conf *conf, const char *path, const char *method, struct route_match *match);

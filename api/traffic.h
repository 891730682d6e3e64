// SPDX-License-Identifier: MIT
// traffic: requests by route and status, and how long they took. Written on the loop's thread; anybody may read.
#pragma once

#include "histogram.h"

#define TRAFFIC_ROUTES_MAX 32

// The statuses that are told apart.
#define TRAFFIC_STATUSES(X) X(200) X(201) X(204) X(400) X(401) X(403) X(404) X(405) X(409) X(413) X(429) X(500) X(503)

#define TRAFFIC_ONE(status) +1
enum { TRAFFIC_N_STATUSES = 1 TRAFFIC_STATUSES(TRAFFIC_ONE) }; // the first is all others
#undef TRAFFIC_ONE

struct traffic_route {
    _Atomic uint64_t statuses[TRAFFIC_N_STATUSES];
    struct histogram ns; // from the moment a request was there as a whole to its answer
};

struct traffic {
    struct traffic_route routes[TRAFFIC_ROUTES_MAX]; // at route_number
};

// What stands for a place in `statuses`: "other", "200"…; static.
const char *traffic_status(unsigned place);

void traffic_note(struct traffic_route *route, unsigned status, uint64_t ns);

// SPDX-License-Identifier: MIT
// probes: what monitors and load balancers ask. On the loop's thread.
#pragma once

struct request;

// GET /health: the process is alive. 200, no body.
void probes_on_health(struct request *request);

// GET /ready: whether requests can be served well now, and if not, why: {"ready": false, "checks": [...]} with 200 or
// 503.
void probes_on_ready(struct request *request);

// SPDX-License-Identifier: MIT
// live: a whole DNS server on loopback for the time of a test, with "full.example.org" in its store.
#pragma once

#include "server.h"
#include "vault.h"

struct live {
    struct vault *vault;
    struct conf *conf;
    struct server *server;
};

// Two workers and what else is to be in [general].
#define LIVE_CONFIG "[general]\ndomain = \"example.org\"\nworkers = 2\n"
#define LIVE_VALUE  "full.example.org. 0 IN TXT \"value\"\n"

// Starts, or tells why not. In either case the rest is there until live_stop.
enum err live_start(struct live *live, const char *config);
void live_stop(struct live *live);

// The sum over all workers.
uint64_t live_total(const struct live *live, enum counter which);

// Zones out of another config, with one reference: the caller's.
struct zones *live_zones(const struct live *live, const char *config);

// Asks for TXT; the answer must be this, as dialog_ask has it.
void live_expect(int fd, bool is_tcp, const char *name, const char *wanted);

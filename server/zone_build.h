// SPDX-License-Identifier: MIT
// zone_build: what `struct zones` is made of; seen by zone.c and zone_build.c alone.
#pragma once

#include "arena.h"
#include "zone.h"

#include <stdatomic.h>

struct zones {
    _Atomic unsigned n_references;
    struct arena *arena; // everything below lives there
    const struct zone *at;
    unsigned n;
    struct rrset chaos_version; // without records when it is not configured
};

void zones_free(struct zones *zones);

// SPDX-License-Identifier: MIT
// walk_room: what the parts of a walk share. For walk.c and walk_cut.c alone.
#pragma once

#include "walk.h"

enum { DOWN_MAX = 64 };

// A name that was looked at: a cut, or none.
struct step {
    struct step *next;
    const ldns_rdf *name;
    struct cut *cut; // NULL: the zone goes on
};

struct asked {
    struct asked *next;
    const struct cut *cut;
    struct cut_question question;
    enum walk_status status;
    struct reply reply;
};

// A thing of ldns that ends with the walk.
struct owned {
    struct owned *next;
    void *thing;
    void (*free)(void *);
};

struct walk {
    struct arena *arena;
    struct walk_options options;
    int64_t until_ms;
    struct cut *root;
    struct step *steps;
    struct asked *asked;
    struct owned *owned;
    unsigned n_questions;
    unsigned depth;
    size_t n_down;
    struct upstream down[DOWN_MAX];
};

// `thing` becomes the walk's; it is freed at once when that cannot be noted, and false returned.
bool walk_own(struct walk *walk, void *thing, void (*free_thing)(void *));

// For walk_own, a name.
void walk_free_name(void *name);

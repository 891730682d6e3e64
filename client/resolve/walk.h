// SPDX-License-Identifier: MIT
// walk: finds things as a cold resolver does: from the root down, at the servers that are really responsible.
//
// A walk is one look at the world: what it has asked once it does not ask again, and everything it hands out lives
// until walk_close. Ask for one label more at a time (RFC 9156), so every zone cut on the way is seen, also where
// parent and child have the same servers. Hostile answers are bounded: so many servers of a zone, so many CNAMEs, so
// deep a search for name servers' addresses, and one deadline for all of it. One thread; blocks.
//
//     struct walk *walk;
//     err = walk_open(&walk, &(struct walk_options){.deadline_ms = 30000});
//     const struct cut *cut;
//     enum walk_status status = walk_cut(walk, name, &cut);      // the zone the name lies in, and its servers'
//     addresses for (unsigned i = 0; i < cut->n_servers; i++)
//         ask(&reply, &cut->servers[i].at, &(struct ask){...});  // each of them, fresh: ask.h
//     walk_close(walk);
#pragma once

#include "arena.h"
#include "ask.h"

enum { CUT_NAMES_MAX = 16, CUT_SERVERS_MAX = 32, WALK_LINKS_MAX = 13 };

// How a step ended; the texts stand alone after "NAME: ".
#define WALK_STATUS_LIST(X)                                                                                            \
    X(OK, "found")                                                                                                     \
    X(NODATA, "the name exists, but has no such record")                                                               \
    X(NXDOMAIN, "the name does not exist")                                                                             \
    X(SILENT, "none of the zone's name servers can be reached")                                                        \
    X(REFUSED, "no name server gives an answer: all refuse or fail")                                                   \
    X(NO_ADDRESS, "the zone's name servers have no addresses")                                                         \
    X(LOOP, "the CNAMEs lead in a circle")                                                                             \
    X(LONG, "there are too many CNAMEs in a row")                                                                      \
    X(DEADLINE, "there was no time left to find out")                                                                  \
    X(MEMORY, "out of memory")

enum walk_status {
#define WALK_ENUM(name, text) WALK_##name,
    WALK_STATUS_LIST(WALK_ENUM)
#undef WALK_ENUM
};

// Static.
const char *walk_status_text(enum walk_status status);

struct cut_name {
    const ldns_rdf *name;
    bool is_below; // it lies in the delegated zone itself, so the parent has to give its address (glue)
    bool has_glue; // and did
    bool has_address;
};

struct cut_server {
    unsigned name; // index in cut.names
    struct upstream at;
};

// A zone and who serves it, as its parent says. The root's names are empty.
struct cut {
    const ldns_rdf *apex;
    const struct cut *parent; // NULL: the root
    unsigned n_names;
    struct cut_name names[CUT_NAMES_MAX];
    unsigned n_servers;
    struct cut_server servers[CUT_SERVERS_MAX]; // IPv4 first
    bool is_at_parent;                          // the parent's servers serve it too, and answered for it themselves
};

struct walk_options {
    const struct upstream *roots; // NULL: the system's hints (dns-root-data), or those built in
    size_t n_roots;
    unsigned timeout_ms;  // of one try; 0: 2000
    unsigned n_tries;     // 0: 3
    unsigned deadline_ms; // from now; 0: 30000
};

struct walk;

// ERR_MEMORY. `options` is copied, what it points to is not.
enum err walk_open(struct walk **walk, const struct walk_options *options);

void walk_close(struct walk *walk);

// What is left of the deadline; 0 when it is over.
unsigned walk_left_ms(const struct walk *walk);

// For questions of one's own with ask(): the end of the deadline, the time of a try, and how many.
struct ask walk_question(const struct walk *walk, const ldns_rdf *name, ldns_rr_type type);

// Where what lives as long as the walk is taken from.
struct arena *walk_arena(struct walk *walk);

// A name of that lifetime, from its text ("example.com", final dot or not). NULL: it is none, or memory is out.
const ldns_rdf *walk_name(struct walk *walk, const char *text);

// `name` without its first `n` labels. NULL: memory is out.
const ldns_rdf *walk_name_from(struct walk *walk, const ldns_rdf *name, unsigned n);

// The text of a name, of that lifetime, in small letters and without the final dot ("." is the root). Never NULL.
const char *walk_text(struct walk *walk, const ldns_rdf *name);

// The zone `name` lies in, and by that its servers. NXDOMAIN on the way is no failure: the zone that says so is it. On
// failure *cut is the zone at which the walk ended, whose servers are at fault.
enum walk_status walk_cut(struct walk *walk, const ldns_rdf *name, const struct cut **cut);

// The zone that holds the DS records of `name`, if that is an apex, and otherwise what walk_cut gives.
enum walk_status walk_cut_above(struct walk *walk, const ldns_rdf *name, const struct cut **cut);

// One question to the servers of a zone, in turn, until one has an answer (NOERROR or NXDOMAIN). With DNSSEC records.
// On success *reply is what it said. WALK_OK, SILENT, REFUSED, NO_ADDRESS, DEADLINE or MEMORY.
struct cut_question {
    const ldns_rdf *name;
    ldns_rr_type type;
};
enum walk_status walk_ask(struct walk *walk, const struct cut *cut, struct cut_question question,
                          const struct reply **reply);

// One name on the way along CNAMEs: what its own zone said.
struct walk_link {
    const ldns_rdf *name;
    const struct cut *cut;
    const struct reply *reply; // NULL when nobody answered
    const ldns_rdf *target;    // of its CNAME; NULL at the end of the way
    uint32_t ttl;              // of the CNAME
};

struct walk_way {
    enum walk_status status; // OK: the last link's reply has the records
    unsigned n_links;
    struct walk_link links[WALK_LINKS_MAX];
};

// Follows CNAMEs from `name` until records of `type` are found, or nothing is.
void walk_way(struct walk *walk, const ldns_rdf *name, ldns_rr_type type, struct walk_way *way);

// The records of that name and type in the answer section, or NULL when there are none; of the walk's lifetime.
const ldns_rr_list *walk_records(struct walk *walk, const struct reply *reply, struct cut_question question);

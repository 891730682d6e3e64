// SPDX-License-Identifier: MIT
// check: whether a certificate authority would find the challenges of a domain, step by step, with a fix for each
// failure.
//
// A check looks once and then stands still: findings in the order of the steps. One thread; blocks for at most
// deadline_ms. ask_start (ask.h) comes before the first check that asks over HTTPS.
#pragma once

#include "upstream.h"

#include <jansson.h>
#include <stdio.h>

#define CHECK_DOMAIN_MAX 254

enum verdict { VERDICT_SKIP, VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

// "skip", "ok", "warn", "fail"; static.
const char *verdict_word(enum verdict verdict);

// One sentence about one thing. `step` is a word of check_steps' list, the same in JSON and on paper; `fix` is NULL
// when there is nothing to do.
struct finding {
    const struct finding *next;
    const char *step;
    enum verdict verdict;
    const char *text;
    const char *fix;
};

// Arrays and texts are the caller's, and stay until the last check that uses them is freed.
struct check_options {
    const struct upstream *roots; // none: the system's hints
    size_t n_roots;
    const struct upstream *resolvers;
    size_t n_resolvers;
    const char *anchors_file; // NULL: the root's own keys
    const char *ca_file;      // for resolvers over HTTPS; NULL: the system's authorities
    const char *ca;           // as CAA records name it; NULL: letsencrypt.org
    const char *account_uri;  // of the ACME account; NULL: not known
    bool is_wildcard;         // the certificate is to hold *.DOMAIN too
    const char *expect;       // the CNAME's right target; NULL: any
    const char *const *zones; // zones the target may lie in; none: any
    size_t n_zones;
    unsigned timeout_ms;  // of one try of one question; 0: 2000
    unsigned n_tries;     // 0: 3
    unsigned deadline_ms; // of a check; 0: 30000
};

struct check;

// Looks at DOMAIN ("example.com", "*.example.com"). What is wrong out there is a finding, not an error. ERR_SYNTAX: not
// a domain name; ERR_NOT_FOUND: the file of anchors cannot be opened; ERR_RANGE: it holds something else; ERR_MEMORY.
enum err check_run(struct check **check, const char *domain, const struct check_options *options);

void check_free(struct check *check);

const struct finding *check_findings(const struct check *check);

// The worst of all findings.
enum verdict check_verdict(const struct check *check);

// The domain without "*." and final dot.
const char *check_domain(const struct check *check);

// The challenge's CNAME target at the end of the way, or NULL when there is none.
const char *check_target(const struct check *check);

// Whether there are TXT records at the end of the way.
bool check_has_value(const struct check *check);

// For people: a line for each finding, a line below it for its fix. In colour for a terminal.
void check_print(const struct check *check, FILE *out, bool has_colour);

// {"domain", "verdict", "target", "steps": [{"step", "verdict", "text", "fix"}]}; a new reference, NULL: out of memory.
json_t *check_json(const struct check *check);

// Every step's word and what it looks at, for --help.
void check_print_steps(FILE *out);

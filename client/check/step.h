// SPDX-License-Identifier: MIT
// step: what the steps of a check share. For client/check alone.
//
// A step reads what earlier ones found out, and adds findings of its own by `note`. It need not look at failures of
// steps that it needs: it is skipped then.
#pragma once

#include "check.h"
#include "secure.h"

enum { CHECK_TTL_MAX_S = 3600 };

enum step_id {
    STEP_ZONE,
    STEP_CNAME,
    STEP_TARGET,
    STEP_DELEGATION,
    STEP_SERVERS,
    STEP_TXT,
    STEP_CAA,
    STEP_DNSSEC,
    STEP_RESOLVERS,
    N_STEPS
};

struct check {
    const struct check_options *options;
    struct walk *walk;
    struct secure *secure;
    ldns_rr_list *anchors;
    char domain_text[CHECK_DOMAIN_MAX];
    bool is_wildcard, is_only_wildcard;
    const ldns_rdf *domain, *challenge;
    const char *challenge_text;

    const struct cut *cut;  // the zone the challenge lies in
    struct walk_way way;    // from the challenge to its TXT records
    const struct cut *home; // the zone of the way's end: ours
    const ldns_rdf *end;    // the way's last name
    bool is_delegated;      // the challenge is a zone of its own: NS in place of a CNAME

    enum step_id at; // the step that runs
    enum verdict verdicts[N_STEPS];
    bool has_finding[N_STEPS];
    struct finding *first, **last;
};

// Notes one finding of the step that runs. `fix` may be NULL; both texts are copied or of the check's lifetime.
void note(struct check *check, enum verdict verdict, const char *fix, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// A text that lives as long as the check. Never NULL.
const char *text_of(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

// One fresh question to one server, DNSSEC records included; ask_free after.
void ask_server(struct check *check, const struct upstream *at, struct cut_question question, struct reply *reply);

// The TXT values of that name in the reply, sorted and joined by ", "; "" when there are none. `n` (or NULL) gets how
// many.
const char *txt_values(struct check *check, const struct reply *reply, const ldns_rdf *name, unsigned *n);

void step_zone(struct check *check);
void step_cname(struct check *check);
void step_target(struct check *check);
void step_delegation(struct check *check);
void step_servers(struct check *check);
void step_txt(struct check *check);
void step_caa(struct check *check);
void step_dnssec(struct check *check);
void step_resolvers(struct check *check);

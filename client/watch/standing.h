// SPDX-License-Identifier: MIT
// standing: how it stands with one domain, and what somebody has to be told of it. No network, no clock, no files.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define STANDING_REASON_MAX 512
#define STANDING_KEY_MAX    32

// How it stands; the words are in the state file, in metrics and in alerts.
#define STANDING_LIST(X)                                                                                               \
    X(PENDING, "pending")   /* the delegation is not there yet, and there is no certificate */                         \
    X(VERIFIED, "verified") /* the delegation is in order, no certificate yet */                                       \
    X(ISSUING, "issuing")   /* and a challenge is published */                                                         \
    X(LIVE, "live")         /* certificate and delegation are in order */                                              \
    X(EXPIRING, "expiring") /* but the certificate ends soon */                                                        \
    X(BROKEN, "broken")     /* the certificate is bad, or could not be renewed, or what was in order no longer is */

enum standing_state {
#define STANDING_ENUM(name, word) STANDING_##name,
    STANDING_LIST(STANDING_ENUM)
#undef STANDING_ENUM
        N_STANDINGS
};

// Static.
const char *standing_word(enum standing_state state);

// What is remembered of a domain, and what the state file holds.
struct standing {
    bool is_known; // it was looked at before
    enum standing_state state;
    char reason[STANDING_REASON_MAX];
    int64_t since_s;                // when it entered the state; seconds since 1970, as all times here
    bool was_verified;              // its delegation has been in order once
    bool had_certificate;           // it has been seen with a good certificate
    int64_t not_after_s;            // end of the certificate; 0: none
    unsigned n_bad;                 // looks in a row that would make it broken
    char alerted[STANDING_KEY_MAX]; // what was told last: "", "expiring-14", "broken", "broken-2"
};

enum certificate_state { CERTIFICATE_NONE, CERTIFICATE_GOOD, CERTIFICATE_BAD };

// What one look has found.
struct sight {
    bool is_delegated;
    const char *delegation; // what is wrong with the delegation; else NULL
    bool has_value;
    bool has_place; // somebody said where the certificate is
    enum certificate_state certificate;
    const char *certificate_reason; // of NONE and BAD
    int64_t not_after_s;
    int64_t now_s;
};

struct standing_rules {
    unsigned n_days;
    unsigned days[8];   // thresholds, the largest first
    unsigned n_confirm; // looks in a row before something that was in order is called broken
};

// Brings the standing up to date. True: the state has changed.
bool standing_update(struct standing *standing, const struct sight *sight, const struct standing_rules *rules);

// Writes what somebody has to be told by now, in the form of `alerted`; the same as `alerted`: nothing new.
void standing_key(const struct standing *standing, const struct standing_rules *rules, int64_t now_s,
                  char key[static STANDING_KEY_MAX]);

// Whole days until `not_after_s`, rounded down; negative when it is past.
int64_t standing_days(const struct standing *standing, int64_t now_s);

// A new reference; NULL: out of memory.
json_t *standing_json(const struct standing *standing);

// False: the object is not one of ours, and `standing` is as it was.
bool standing_read(struct standing *standing, const json_t *object);

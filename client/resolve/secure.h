// SPDX-License-Identifier: MIT
// secure: whether a validating resolver believes what a zone says: the chain of DS, keys and signatures from a trust
// anchor.
//
// Built on a walk, of whose lifetime everything handed out is. Signatures are verified by ldns against this machine's
// clock. Of a proof that a name does not exist, it is not checked that no wildcard would match either.
#pragma once

#include "walk.h"

enum secure_state {
    SECURE_SIGNED,  // signed, and every link of the chain holds
    SECURE_PLAIN,   // not signed, and its parent proves that it need not be
    SECURE_BOGUS,   // a validating resolver answers SERVFAIL
    SECURE_UNKNOWN, // could not be found out: servers that are silent, or no time left
};

// `why` says what is wrong, as a sentence without its full stop; NULL when nothing is. `at` is the zone that is at
// fault, or where the chain ends.
struct secure_zone {
    enum secure_state state;
    const struct cut *cut;
    const struct cut *at;
    const char *why;
    const ldns_rr_list *keys; // of a signed zone
};

struct secure;

// `anchors`: DS or DNSKEY records of the root or of any zone; kept by the caller beyond the last use. ERR_MEMORY.
enum err secure_open(struct secure **secure, struct walk *walk, const ldns_rr_list *anchors);

// The zone's own standing. Never NULL.
const struct secure_zone *secure_zone(struct secure *secure, const struct cut *cut);

// Whether the reply's records for the question, or its proof that there are none, hold. NULL: they do, or the zone is
// not signed. Otherwise what is wrong, as above.
const char *secure_reply(struct secure *secure, const struct cut *cut, struct cut_question question,
                         const struct reply *reply);

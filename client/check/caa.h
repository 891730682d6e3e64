// SPDX-License-Identifier: MIT
// caa: what a set of CAA records says about one authority (RFC 8659, RFC 8657). No network: the caller climbs the tree.
#pragma once

#include <ldns/ldns.h>
#include <stdbool.h>

#define CAA_DETAIL_MAX 256

enum caa_answer {
    CAA_FREE,      // nothing that restricts this kind of certificate
    CAA_ALLOWED,   // the authority is named, and so is what it will do
    CAA_CONDITION, // named, but for one account only, and which one is ours was not said
    CAA_OTHER,     // others are named, or nobody (";")
    CAA_ACCOUNT,   // named, but for another account
    CAA_METHOD,    // named, but not for dns-01
    CAA_CRITICAL,  // a property that no authority may ignore, and that we do not know
};

struct caa_question {
    const char *ca;          // "letsencrypt.org"
    const char *account_uri; // NULL: not said
    bool is_wildcard;
};

// Of several answers the best counts. `detail` gets the value that decided, printable and short; empty when none did.
enum caa_answer caa_judge(const ldns_rr_list *records, const struct caa_question *question,
                          char detail[static CAA_DETAIL_MAX]);

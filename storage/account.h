// SPDX-License-Identifier: MIT
// account: what is known of one registration.
#pragma once

#include "bytes.h"
#include "uuid.h"

#define SUBDOMAIN_MAX 63 // one label

// A view: the bytes belong to whoever made it (a read snapshot, a request).
struct account {
    struct uuid username;
    struct bytes subdomain; // one label, lower case
    struct bytes hash;      // PHC string without final zero
    struct bytes allowfrom; // networks as text, each preceded by one byte of length; empty: everywhere
    uint64_t created_s;     // since 1970
};

// The values of one subdomain: a view into a read snapshot.
struct txt {
    struct uuid username; // the account they belong to
    struct bytes rdata;   // for each value two bytes of length and the rdata (RFC 1035 3.3.14), the oldest first
    unsigned n_values;    // how many
    uint64_t used_s;      // last successful update, since 1970; 0: never
};

// Walks a list of texts that are each preceded by one byte of length: true and the next one, or false at the end.
static inline bool account_next_text(struct reader *list, struct bytes *text)
{
    if (list->at == list->end)
        return false;
    size_t n = take_u8(list);
    const uint8_t *at = take_bytes(list, n);
    *text = (struct bytes){at, n};
    return !list->is_bad;
}

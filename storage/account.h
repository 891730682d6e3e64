// SPDX-License-Identifier: MIT
// account: what is known of one registration.
#pragma once

#include "bytes.h"
#include "err.h"
#include "uuid.h"

#define SUBDOMAIN_MAX    63  // one label
#define ACCOUNT_NOTE_MAX 200 // bytes

// A view: the bytes belong to whoever made it (a read snapshot, a request).
struct account {
    struct uuid username;
    struct bytes subdomain; // one label, lower case
    struct bytes hash;      // of the password, as text without final zero (secret.h)
    struct bytes allowfrom; // networks as text, each preceded by one byte of length; empty: everywhere
    struct bytes note;      // for people, UTF-8; empty: none
    uint64_t created_s;     // since 1970; 0: not known
    bool is_disabled;       // may not update, and its values are not answered
};

// The values of one subdomain: a view into a read snapshot.
struct txt {
    struct uuid username; // the account they belong to
    struct bytes rdata;   // for each value two bytes of length and the rdata (RFC 1035 3.3.14), the oldest first
    struct bytes times;   // for each value 8 bytes: when it was written last, since 1970
    unsigned n_values;    // how many
    uint64_t used_s;      // last successful update, which is the last use of the account, since 1970; 0: never
    bool is_withheld;     // the account is disabled: there are no values for DNS
};

// Whether all of it is the same.
static inline bool account_equal(const struct account *a, const struct account *b)
{
    return memcmp(a->username.at, b->username.at, sizeof a->username.at) == 0 &&
           bytes_equal(a->subdomain, b->subdomain) && bytes_equal(a->hash, b->hash) &&
           bytes_equal(a->allowfrom, b->allowfrom) && bytes_equal(a->note, b->note) && a->created_s == b->created_s &&
           a->is_disabled == b->is_disabled;
}

static inline bool txt_equal(const struct txt *a, const struct txt *b)
{
    return memcmp(a->username.at, b->username.at, sizeof a->username.at) == 0 && bytes_equal(a->rdata, b->rdata) &&
           bytes_equal(a->times, b->times) && a->n_values == b->n_values && a->used_s == b->used_s &&
           a->is_withheld == b->is_withheld;
}

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

// A subdomain that somebody has chosen, in lower case: letters, digits and, inside, dashes. ERR_SUBDOMAIN.
enum err account_parse_subdomain(struct bytes text, char subdomain[SUBDOMAIN_MAX + 1]);

// ERR_NOTE: longer than ACCOUNT_NOTE_MAX, not UTF-8, or with control characters.
enum err account_check_note(struct bytes note);

// A copy that outlives the snapshot; *bytes are what it points to, for the caller to free. ERR_MEMORY.
enum err account_copy(const struct account *account, struct account *copy, uint8_t **bytes);

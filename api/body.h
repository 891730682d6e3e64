// SPDX-License-Identifier: MIT
// body: what stands in the JSON bodies of requests and answers. The door of jansson.
//
// Any thread. Keys fold case, unknown keys are ignored, of equal keys the last counts; a body of white space counts as
// empty.
#pragma once

#include "account.h"

#define BODY_TXT_CHARS 43 // base64url of a SHA-256 digest (RFC 8555 8.4)

// allowfrom of a new account: each network as text preceded by one byte of length, as `struct account` keeps it.
struct body_register {
    uint8_t *allowfrom; // the caller frees it
    size_t n_allowfrom; // bytes
    char note[ACCOUNT_NOTE_MAX + 1];
    char subdomain[SUBDOMAIN_MAX + 1]; // that was chosen; empty: none was
};

// Empty, null, {} or {"allowfrom": [CIDR, ...]}. ERR_JSON: something else. ERR_CIDR: an entry is no network.
// ERR_MEMORY.
enum err body_parse_register(struct bytes body, struct body_register *out);

// The same for who may wish for more: "note" and "subdomain", too, are looked at. ERR_NOTE, ERR_SUBDOMAIN: misshapen.
enum err body_parse_wishes(struct bytes body, struct body_register *out);

struct body_update {
    char subdomain[UUID_TEXT_SIZE];        // lower case
    char any_subdomain[SUBDOMAIN_MAX + 1]; // as it was given, if it is a text of such a length; else empty
    char txt[BODY_TXT_CHARS + 1];
};

// What was found, before it is judged: a misshapen subdomain is told before a misshapen value, but whose subdomain it
// is comes in between.
struct body_update_result {
    enum err subdomain; // ERR_OK, or ERR_SUBDOMAIN: missing, or not a UUID in its canonical spelling
    enum err txt;       // ERR_OK, or ERR_TXT: missing, or not 43 characters of base64url
};

// ERR_JSON: no JSON object (nor null, which counts as one without keys). ERR_MEMORY. Otherwise ERR_OK and `result` says
// what `out` holds.
enum err body_parse_update(struct bytes body, struct body_update *out, struct body_update_result *result);

// The answer to /register.
struct body_account {
    const char *username;
    const char *password;
    const char *fulldomain;
    const char *subdomain;
    struct bytes allowfrom; // as in body_register
};

// Texts are made with malloc and are the caller's; a null pointer when memory is out.
char *body_write_account(const struct body_account *account);

// The answer to GET /account, and what the command line says of an account. Of a value that is not UTF-8, null is told.
struct body_details {
    const struct account *account;
    const struct txt *txt;
    const char *zone;
};

char *body_write_details(const struct body_details *details);

struct api_check;

char *body_write_checks(const struct api_check *checks, size_t n, bool is_ready);

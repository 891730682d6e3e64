// SPDX-License-Identifier: MIT
// form: how each ACME client speaks to its hook, read into one list of challenges. Any thread; no state.
#pragma once

#include "err.h"

#include <stddef.h>

enum { FORM_CHALLENGES_MAX = 100, FORM_DOMAIN_MAX = 253, FORM_VALUE_CHARS = 43 };

struct challenge {
    char domain[FORM_DOMAIN_MAX + 1]; // lower case, without "_acme-challenge.", "*." and the final dot
    char value[FORM_VALUE_CHARS + 1]; // what the TXT record is to hold; empty: none yet
};

enum form_act {
    FORM_PUBLISH,
    FORM_REGISTER, // only the accounts, and the CNAME records to create
    FORM_TEST,     // a random value, published, looked for and taken back
    FORM_NOTHING,  // the client tells of something that needs no action
    FORM_DECLINE   // the client offers another kind of challenge than dns-01: it wants to hear no
};

struct form {
    enum form_act act;
    size_t n_challenges;
    struct challenge challenges[FORM_CHALLENGES_MAX];
};

// Reads the words after the options, and certbot's environment when there are none. ERR_SYNTAX: no client speaks so;
// *why, static, says what is wrong.
enum err form_read(struct form *form, int n_words, char *const *words, const char **why);

// The forms, a line each, for --help; static.
extern const char FORM_HELP[];

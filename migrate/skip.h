// SPDX-License-Identifier: MIT
// skip: why something is not taken over, once.
#pragma once

// name, text for people. What stands before VALUE keeps a whole account out; VALUE only one value of one.
#define SKIP_LIST(X)                                                                                                   \
    X(NONE, "nothing")                                                                                                 \
    X(LINE, "not a line of an export")                                                                                 \
    X(USERNAME, "the username is not a UUID")                                                                          \
    X(SUBDOMAIN, "the subdomain is not a label of a domain name")                                                      \
    X(HASH, "the password hash is neither bcrypt nor argon2id")                                                        \
    X(ALLOWFROM, "an allowfrom entry is not a network")                                                                \
    X(SIZE, "it is too large for one record")                                                                          \
    X(TAKEN, "the subdomain is another account's")                                                                     \
    X(VALUE, "a TXT value is misshapen; its account is taken over without it")

enum skip {
#define SKIP_ENUM(name, text) SKIP_##name,
    SKIP_LIST(SKIP_ENUM)
#undef SKIP_ENUM
        N_SKIPS
};

// The text for people, and the word for programs, "bad_username"; both static.
const char *skip_text(enum skip skip);
const char *skip_word(enum skip skip);

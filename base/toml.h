// SPDX-License-Identifier: MIT
// toml: the part of TOML that configuration files of this kind use, and a plain refusal of the rest.
//
// Read: tables `[x]`, bare and quoted keys, basic and literal strings, decimal integers, booleans, arrays of strings
// over several lines, comments, LF and CRLF. Refused, each by its name: floats, dates, other bases, inline tables,
// arrays of tables, dotted keys and tables, multi-line strings, anything given twice, control characters, NUL, broken
// UTF-8. The text may come from anywhere; time and memory grow with its size. Any thread; nothing is kept between
// calls.
#pragma once

#include "arena.h"
#include "bytes.h"
#include "err.h"

// A text with more keys and tables than this is refused.
#define TOML_KEYS_MAX 1000

enum toml_kind { TOML_TEXT, TOML_NUMBER, TOML_BOOL, TOML_LIST };

struct toml_value {
    enum toml_kind kind;
    const char *text; // TOML_TEXT; never holds a NUL of its own
    int64_t number;   // TOML_NUMBER; TOML_BOOL as 0 or 1
    size_t n;         // TOML_LIST: entries of `list`
    const char *const *list;
};

// `section` is "" for what stands before the first table.
struct toml_entry {
    const char *section;
    const char *key;
    unsigned line;
    struct toml_value value;
    struct toml_entry *next;
};

// Says what was found where; `text` never repeats what stands in place of a value, which may be a secret.
struct toml_error {
    unsigned line;
    char text[120];
};

// Reads all of `text` into a list of entries in their order, `*entries` being a null pointer when there are none. They
// live in `arena`. ERR_SYNTAX: `error` says where and why. ERR_MEMORY.
enum err toml_parse(struct bytes text, struct arena *arena, struct toml_entry **entries, struct toml_error *error);

// Reads one value, such as `["a", "b"]`, with nothing behind it but white space and comments. Errors as above.
enum err toml_parse_value(struct bytes text, struct arena *arena, struct toml_value *value, struct toml_error *error);

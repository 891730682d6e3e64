// SPDX-License-Identifier: MIT
// line: an account as one line of JSON, the form of an export. The door of jansson on this floor. Any thread.
//
//     {"acmezone_export":1}
//     {"username":UUID,"subdomain":LABEL,"hash":TEXT,"allowfrom":[NETWORK…],"note":TEXT,"disabled":true,
//      "created":SECONDS,"used":SECONDS,"values":[{"txt":TEXT,"at":SECONDS}…]}
//     …
//     {"accounts":N}
//
// The first line says how the rest is to be read, the last that nothing is missing. A value that is not one text of
// challenge characters has "rdata" in hexadecimal instead of "txt". Whatever comes after "hash" may be missing; "note"
// and "disabled" are, unless there is a note, and the account is disabled.
#pragma once

#include "entry.h"

enum line_kind { LINE_ACCOUNT, LINE_HEAD, LINE_END };

struct line {
    enum line_kind kind;
    uint64_t number; // LINE_HEAD: the version; LINE_END: how many accounts there were
    enum skip skip;  // LINE_ACCOUNT: why it cannot be taken over
};

#define LINE_VERSION 1

// Fills `entry` with LINE_ACCOUNT; its username is set when that is in order. ERR_SYNTAX: not such a line. ERR_MEMORY.
enum err line_read(struct bytes text, struct line *line, struct entry *entry);

// One line with its line feed, made with malloc; a null pointer when memory is out.
char *line_write(const struct store_entry *entry);
char *line_write_head(void);
char *line_write_end(uint64_t n_accounts);

// Adds the networks of a JSON array of texts; none for an empty text and for null.
enum skip line_read_networks(struct bytes text, struct entry *entry);

// The array, made with malloc; a null pointer when memory is out.
char *line_write_networks(struct bytes allowfrom);

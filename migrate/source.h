// SPDX-License-Identifier: MIT
// source: where accounts come from: an acme-dns database in SQLite or PostgreSQL, or an export of ours. One thread.
//
// A source is read once, from the first account to the last, all of it as it was at one moment. Nothing is ever written
// to it, and the program that owns it may go on.
#pragma once

#include "entry.h"

#define SOURCE_WHY_MAX   320
#define SOURCE_LABEL_MAX 64

struct source;

// Why something failed, or what was skipped; in words for people, without secrets.
struct source_note {
    char why[SOURCE_WHY_MAX];     // of a failure
    char label[SOURCE_LABEL_MAX]; // what was skipped: its username as it stands there, or "line 17"
    enum skip skip;
};

// Opens what `where` names: a file that SQLite made, postgres://... or host=..., a file of JSON lines, or "-" for
// those on standard input. ERR_NOT_FOUND, ERR_SYNTAX, ERR_NEWER, ERR_SYSTEM, ERR_STORE, ERR_MEMORY; note->why says
// more.
enum err source_open(struct source **source, const char *where, struct source_note *note);
void source_close(struct source *source);

// The next account. ERR_OK. ERR_SYNTAX: it cannot be taken over; note->skip and note->label say why, and the next one
// can be asked for. ERR_NOT_FOUND: there are no more. ERR_CORRUPT, ERR_SYSTEM, ERR_STORE, ERR_MEMORY: the source fails;
// note->why says why.
enum err source_next(struct source *source, struct entry *entry, struct source_note *note);

// How many accounts there are; 0: not known before the end.
uint64_t source_n_accounts(const struct source *source);

// What it is, for people: "acme-dns database (SQLite)".
const char *source_name(const struct source *source);

// SPDX-License-Identifier: MIT
// toml_scan: the cursor that toml and toml_value walk a text with. Nobody else needs it.
#pragma once

#include "toml.h"

struct toml_cursor {
    const uint8_t *at;
    const uint8_t *end;
    unsigned line;
    struct arena *arena;
    struct toml_error *error;
};

struct toml_cursor toml_cursor_of(struct bytes text, struct arena *arena, struct toml_error *error);

// Notes the line and what was found there; returns ERR_SYNTAX.
[[gnu::format(printf, 2, 3)]] enum err toml_refuse(struct toml_cursor *p, const char *format, ...);

// ERR_SYNTAX: the text holds bytes that are not allowed anywhere. Does not move the cursor.
enum err toml_check(struct toml_cursor *p);

// The byte `ahead` of the cursor; 0 behind the end.
uint8_t toml_peek(const struct toml_cursor *p, size_t ahead);
bool toml_starts_with(const struct toml_cursor *p, const char *text);
bool toml_is_digit(uint8_t c);
bool toml_is_bare(uint8_t c); // may stand in a key without quotes

// Names what is at the cursor without repeating it; static.
const char *toml_found(const struct toml_cursor *p);

void toml_skip_blanks(struct toml_cursor *p);

// Skips white space, line ends and comments.
void toml_skip_lines(struct toml_cursor *p);

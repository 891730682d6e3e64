// SPDX-License-Identifier: MIT
// toml_scan: one look over the text as a whole, then a cursor that knows characters, blanks and lines.
//
// The look (toml_check) refuses bytes that no part of a TOML file may hold: broken UTF-8, NUL, control characters. So a
// byte over 127 can only stand in a string or a comment, and the cursor's 0 can only mean the end of the text.
#include "toml_scan.h"

#include <stdarg.h>
#include <stdio.h>

struct toml_cursor toml_cursor_of(struct bytes text, struct arena *arena, struct toml_error *error)
{
    const uint8_t *end = text.n == 0 ? text.at : text.at + text.n;
    return (struct toml_cursor){.at = text.at, .end = end, .line = 1, .arena = arena, .error = error};
}

enum err toml_refuse(struct toml_cursor *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    p->error->line = p->line;
    vsnprintf(p->error->text, sizeof p->error->text, format, args);
    va_end(args);
    return ERR_SYNTAX;
}

uint8_t toml_peek(const struct toml_cursor *p, size_t ahead)
{
    return (size_t)(p->end - p->at) > ahead ? p->at[ahead] : 0;
}

bool toml_starts_with(const struct toml_cursor *p, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(p->end - p->at) >= n && memcmp(p->at, text, n) == 0;
}

bool toml_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool toml_is_bare(uint8_t c)
{
    return toml_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

// Names the character at hand; only characters of the syntax itself are shown.
const char *toml_found(const struct toml_cursor *p)
{
    static const struct {
        char c;
        const char *name;
    } NAMES[] = {{0, "the end of the text"},
                 {'\n', "the end of the line"},
                 {'\r', "the end of the line"},
                 {'"', "a quote"},
                 {'\'', "a quote"},
                 {'[', "'['"},
                 {']', "']'"},
                 {'{', "'{'"},
                 {'}', "'}'"},
                 {'=', "'='"},
                 {',', "','"},
                 {'.', "'.'"},
                 {'#', "a comment"},
                 {':', "':'"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (toml_peek(p, 0) == (uint8_t)NAMES[i].c)
            return NAMES[i].name;
    }
    return toml_is_bare(toml_peek(p, 0)) ? "an unquoted word" : "an unexpected character";
}

// The length of the UTF-8 sequence at `at`, or 0 when it is broken: too long, a surrogate, past U+10FFFF (RFC 3629, 4).
static size_t utf8_length(const uint8_t *at, size_t n)
{
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || n < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool is_bad = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
                  (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f);
    return is_bad ? 0 : length;
}

enum err toml_check(struct toml_cursor *p)
{
    struct toml_cursor walk = *p;
    while (walk.at < walk.end) {
        uint8_t c = walk.at[0];
        size_t n = utf8_length(walk.at, (size_t)(walk.end - walk.at));
        if (n == 0)
            return toml_refuse(&walk, "byte 0x%02x is not UTF-8", c);
        if (c == '\r' && toml_peek(&walk, 1) != '\n')
            return toml_refuse(&walk, "a carriage return without a line feed");
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return toml_refuse(&walk, c == 0 ? "a NUL" : "control character 0x%02x", c);
        walk.line += c == '\n';
        walk.at += n;
    }
    return ERR_OK;
}

void toml_skip_blanks(struct toml_cursor *p)
{
    while (toml_peek(p, 0) == ' ' || toml_peek(p, 0) == '\t')
        p->at++;
}

void toml_skip_lines(struct toml_cursor *p)
{
    while (p->at < p->end) {
        uint8_t c = p->at[0];
        if (c == '#') {
            while (p->at < p->end && p->at[0] != '\n')
                p->at++;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            p->line += c == '\n';
            p->at++;
        } else {
            return;
        }
    }
}

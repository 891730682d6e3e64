// SPDX-License-Identifier: MIT
// toml_value: strings, arrays of strings, integers and booleans.
//
// A string is decoded into room as long as its source, which is enough since every escape is longer than what it stands
// for. What is no value we read is looked at once more to be refused by its name, but is never repeated: it may be a
// secret that lacks its quotes.
#include "toml_value.h"

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    unsigned n_more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t LEAD[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(LEAD[n_more] | c >> (6 * n_more));
    while (n_more-- > 0)
        *to++ = (char)(0x80 | (c >> (6 * n_more) & 0x3f));
    return to;
}

// \uXXXX and \UXXXXXXXX, the cursor behind the letter.
static enum err take_code_point(struct toml_cursor *p, unsigned n_digits, char **to)
{
    uint32_t c = 0;
    for (unsigned i = 0; i < n_digits; i++) {
        uint8_t digit = toml_peek(p, i);
        uint8_t lower = digit | 0x20;
        if (!toml_is_digit(digit) && (lower < 'a' || lower > 'f'))
            return toml_refuse(p, "an escape wants %u hexadecimal digits", n_digits);
        c = c << 4 | (uint32_t)(toml_is_digit(digit) ? digit - '0' : lower - 'a' + 10);
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return toml_refuse(p, c == 0 ? "an escape stands for NUL" : "an escape stands for no Unicode character");
    p->at += n_digits;
    *to = put_utf8(*to, c);
    return ERR_OK;
}

// An escape, the cursor behind the backslash.
static enum err take_escape(struct toml_cursor *p, char **to)
{
    static const char LETTERS[] = "btnfr\"\\", MEANT[] = "\b\t\n\f\r\"\\";
    uint8_t c = toml_peek(p, 0);
    const char *letter = c == 0 ? NULL : strchr(LETTERS, c);
    if (letter == NULL && c != 'u' && c != 'U')
        return toml_refuse(p, "an unknown escape in a string");
    p->at++;
    if (letter == NULL)
        return take_code_point(p, c == 'u' ? 4 : 8, to);
    *(*to)++ = MEANT[letter - LETTERS];
    return ERR_OK;
}

enum err toml_take_string(struct toml_cursor *p, const char **text)
{
    uint8_t quote = toml_peek(p, 0);
    if (toml_peek(p, 1) == quote && toml_peek(p, 2) == quote)
        return toml_refuse(p, "a multi-line string, which is not supported");
    p->at++;
    const uint8_t *close = p->at;
    while (close < p->end && *close != quote && *close != '\n') {
        bool is_escape = *close == '\\' && quote == '"';
        close += is_escape && p->end - close > 1 ? 2 : 1;
    }
    if (close == p->end || *close != quote)
        return toml_refuse(p, "a string without its closing quote");
    char *made = arena_take(p->arena, (size_t)(close - p->at) + 1, 1), *to = made;
    if (made == NULL)
        return ERR_MEMORY;
    enum err err = ERR_OK;
    while (err == ERR_OK && p->at < close) {
        uint8_t c = *p->at++;
        if (c == '\\' && quote == '"')
            err = take_escape(p, &to);
        else
            *to++ = (char)c;
    }
    p->at++;
    *text = made;
    return err;
}

// An array whose entries are strings. The room doubles when full; what it leaves behind is the arena's.
static enum err take_list(struct toml_cursor *p, struct toml_value *value)
{
    const char **list = NULL;
    size_t n = 0, n_room = 0;
    for (p->at++;; n++) {
        toml_skip_lines(p);
        if (toml_peek(p, 0) == ']')
            break;
        if (toml_peek(p, 0) != '"' && toml_peek(p, 0) != '\'')
            return toml_refuse(p, "an array holds quoted strings only, found %s", toml_found(p));
        if (n == n_room) {
            const char **larger = arena_take(p->arena, n_room = n_room * 2 + 4, sizeof *list);
            if (larger == NULL)
                return ERR_MEMORY;
            list = n == 0 ? larger : memcpy(larger, list, n * sizeof *list);
        }
        enum err err = toml_take_string(p, &list[n]);
        if (err != ERR_OK)
            return err;
        toml_skip_lines(p);
        if (toml_peek(p, 0) != ',' && toml_peek(p, 0) != ']')
            return toml_refuse(p, "expected ',' or ']' in an array, found %s", toml_found(p));
        if (toml_peek(p, 0) == ',')
            p->at++;
    }
    p->at++;
    *value = (struct toml_value){.kind = TOML_LIST, .n = n, .list = list};
    return ERR_OK;
}

// Says what an unquoted word is that is neither an integer nor a boolean. `n` > 0.
static enum err refuse_word(struct toml_cursor *p, size_t n)
{
    bool is_signed = p->at[0] == '+' || p->at[0] == '-';
    const uint8_t *digits = p->at + is_signed;
    n -= is_signed;
    if (n == 3 && (memcmp(digits, "inf", 3) == 0 || memcmp(digits, "nan", 3) == 0))
        return toml_refuse(p, "a float, which is not supported");
    if (n > 1 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'o' || digits[1] == 'b'))
        return toml_refuse(p, "a number that is not decimal, which is not supported");
    if (n > 4 && toml_is_digit(digits[0]) && (digits[2] == ':' || digits[4] == '-'))
        return toml_refuse(p, "a date or a time, which is not supported");
    size_t n_points = 0, n_letters = 0, n_exponents = 0;
    for (size_t i = 0; i < n; i++) {
        n_points += digits[i] == '.';
        n_exponents += digits[i] == 'e' || digits[i] == 'E';
        n_letters += !toml_is_digit(digits[i]) && strchr("_.eE+-", digits[i]) == NULL;
    }
    if (n == 0 || !toml_is_digit(digits[0]) || n_letters > 0 || n_points > 1)
        return toml_refuse(p, "an unquoted text; texts stand in quotes");
    if (n_points + n_exponents > 0)
        return toml_refuse(p, "a float, which is not supported");
    return toml_refuse(p, "a misshapen number");
}

// Digits with single underscores between them, no leading zero.
static enum err take_number(struct toml_cursor *p, size_t n, struct toml_value *value)
{
    bool is_negative = p->at[0] == '-';
    size_t i = is_negative || p->at[0] == '+';
    int64_t number = 0;
    if (i == n || (p->at[i] == '0' && n > i + 1))
        return refuse_word(p, n);
    for (bool is_after_digit = false; i < n; i++) {
        uint8_t c = p->at[i];
        if (c == '_' && is_after_digit && i + 1 < n) {
            is_after_digit = false;
            continue;
        }
        if (!toml_is_digit(c))
            return refuse_word(p, n);
        is_after_digit = true;
        int64_t digit = is_negative ? '0' - c : c - '0';
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number))
            return toml_refuse(p, "a number beyond 64 bits");
    }
    *value = (struct toml_value){.kind = TOML_NUMBER, .number = number};
    p->at += n;
    return ERR_OK;
}

enum err toml_take_value(struct toml_cursor *p, struct toml_value *value)
{
    uint8_t c = toml_peek(p, 0);
    if (c == '[')
        return take_list(p, value);
    if (c == '{')
        return toml_refuse(p, "an inline table, which is not supported");
    if (c == '"' || c == '\'') {
        *value = (struct toml_value){.kind = TOML_TEXT};
        return toml_take_string(p, &value->text);
    }
    size_t n = 0;
    for (c = toml_peek(p, n); toml_is_bare(c) || c == '+' || c == '.' || c == ':'; c = toml_peek(p, n))
        n++;
    if (n == 0)
        return toml_refuse(p, "expected a value, found %s", toml_found(p));
    bool is_true = n == 4 && toml_starts_with(p, "true"), is_false = n == 5 && toml_starts_with(p, "false");
    if (!is_true && !is_false)
        return take_number(p, n, value);
    *value = (struct toml_value){.kind = TOML_BOOL, .number = is_true};
    p->at += n;
    return ERR_OK;
}

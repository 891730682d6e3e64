// SPDX-License-Identifier: MIT
// option_set: each type of options.def has one function that reads a value into a field; option_set picks it.
//
// A value comes from the file in one of four kinds, from the environment and the table's default as text. So every type
// reads text, and the kinds that say the same without quotes. Lists first become texts (want_texts), cut at commas when
// they came as one text, and then what their type makes of each entry. Empty entries are dropped: `ip = ""` and `ip =
// [""]` both say nothing.
#include "option.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#define TOKEN_MIN 16

static const char LETTERS_AND_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

struct setting {
    const struct option *option;
    const struct toml_value *value;
    struct arena *arena;
    void *field;
    char *why;
};

// Says what was found and adds what is allowed.
[[gnu::format(printf, 2, 3)]] static enum err refuse(const struct setting *s, const char *format, ...)
{
    char allowed[OPTION_ALLOWED_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(s->why, OPTION_WHY_MAX, format, args);
    va_end(args);
    size_t n = strlen(s->why);
    snprintf(s->why + n, OPTION_WHY_MAX - n, "; allowed: %s", option_allowed(s->option, allowed));
    return ERR_SYNTAX;
}

static enum err refuse_kind(const struct setting *s, const char *wanted)
{
    static const char *const KINDS[] = {
        [TOML_TEXT] = "a text", [TOML_NUMBER] = "a number", [TOML_BOOL] = "a boolean", [TOML_LIST] = "a list"};
    return refuse(s, "%s is not %s", KINDS[s->value->kind], wanted);
}

static enum err set_text(const struct setting *s)
{
    if (s->value->kind != TOML_TEXT)
        return refuse_kind(s, "a text");
    int64_t n = (int64_t)strlen(s->value->text);
    if (n < s->option->min || n > s->option->max)
        return refuse(s, n == 0 ? "it is empty" : "it has %lld characters", (long long)n);
    char *copy = arena_take_text(s->arena, bytes_of_text(s->value->text));
    if (copy == NULL)
        return ERR_MEMORY;
    *(const char **)s->field = copy;
    return ERR_OK;
}

static enum err set_choice(const struct setting *s)
{
    if (s->value->kind != TOML_TEXT)
        return refuse_kind(s, "a text");
    size_t n = strlen(s->value->text), n_word;
    if (n == 0)
        return ERR_OK; // as if it were not there
    for (const char *word = s->option->unit; *word != 0; word += n_word + strspn(word + n_word, " |")) {
        n_word = strcspn(word, " ");
        if (n_word != n || strncasecmp(word, s->value->text, n) != 0)
            continue;
        char *copy = arena_take_text(s->arena, (struct bytes){(const uint8_t *)word, n});
        if (copy == NULL)
            return ERR_MEMORY;
        *(const char **)s->field = copy;
        return ERR_OK;
    }
    return refuse(s, "\"%.60s\" is not known", s->value->text);
}

static enum err set_bool(const struct setting *s)
{
    bool is_text = s->value->kind == TOML_TEXT;
    bool is_true = is_text && strcasecmp(s->value->text, "true") == 0;
    if (is_text && !is_true && strcasecmp(s->value->text, "false") != 0)
        return refuse(s, "\"%.60s\" is neither true nor false", s->value->text);
    if (!is_text && s->value->kind != TOML_BOOL)
        return refuse_kind(s, "a boolean");
    *(bool *)s->field = is_text ? is_true : s->value->number != 0;
    return ERR_OK;
}

// Reads the decimal digits in front, with a sign or without, and says what stands behind them. False: none, or too
// many.
static bool take_decimal(const char *text, int64_t *number, const char **behind)
{
    if (!isdigit((unsigned char)text[*text == '-']))
        return false;
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    *behind = end;
    return errno == 0;
}

static enum err set_in_range(const struct setting *s, int64_t number)
{
    if (number < s->option->min || number > s->option->max)
        return refuse(s, "%lld is out of range", (long long)number);
    *(int64_t *)s->field = number;
    return ERR_OK;
}

static enum err set_number(const struct setting *s)
{
    if (s->value->kind == TOML_NUMBER)
        return set_in_range(s, s->value->number);
    if (s->value->kind != TOML_TEXT)
        return refuse_kind(s, "a number");
    int64_t number;
    const char *behind;
    if (!take_decimal(s->value->text, &number, &behind) || *behind != 0)
        return refuse(s, "\"%.60s\" is not a number", s->value->text);
    return set_in_range(s, number);
}

static enum err set_size(const struct setting *s)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } UNITS[] = {{"", 1},
                 {"B", 1},
                 {"K", 1 << 10},
                 {"KiB", 1 << 10},
                 {"KB", 1000},
                 {"M", 1 << 20},
                 {"MiB", 1 << 20},
                 {"MB", 1000 * 1000},
                 {"G", 1LL << 30},
                 {"GiB", 1LL << 30},
                 {"GB", 1000000000},
                 {"T", 1LL << 40},
                 {"TiB", 1LL << 40},
                 {"TB", 1000000000000}};
    if (s->value->kind == TOML_NUMBER)
        return set_in_range(s, s->value->number);
    if (s->value->kind != TOML_TEXT)
        return refuse_kind(s, "a size");
    int64_t number;
    const char *unit;
    if (take_decimal(s->value->text, &number, &unit)) {
        unit += strspn(unit, " ");
        for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
            if (strcasecmp(unit, UNITS[i].name) == 0 && !__builtin_mul_overflow(number, UNITS[i].bytes, &number))
                return set_in_range(s, number);
        }
    }
    return refuse(s, "\"%.60s\" is not a size such as 512MiB", s->value->text);
}

// Cuts one text at its commas into entries without blanks around them.
static enum err split(const struct setting *s, struct texts *texts)
{
    size_t n_max = 1;
    for (const char *at = s->value->text; *at != 0; at++)
        n_max += *at == ',';
    const char **list = arena_take(s->arena, n_max, sizeof *list);
    if (list == NULL)
        return ERR_MEMORY;
    size_t n = 0, length;
    for (const char *at = s->value->text;; at += length + 1) {
        length = strcspn(at, ",");
        size_t n_front = strspn(at, " \t");
        struct bytes entry = {(const uint8_t *)at + n_front, n_front < length ? length - n_front : 0};
        while (entry.n > 0 && (entry.at[entry.n - 1] == ' ' || entry.at[entry.n - 1] == '\t'))
            entry.n--;
        list[n] = arena_take_text(s->arena, entry);
        if (list[n] == NULL)
            return ERR_MEMORY;
        n++;
        if (at[length] == 0)
            break;
    }
    *texts = (struct texts){n, list};
    return ERR_OK;
}

// The value as texts without the empty ones.
static enum err want_texts(const struct setting *s, struct texts *texts)
{
    struct texts all = {1, &s->value->text};
    if (s->value->kind == TOML_LIST)
        all = (struct texts){s->value->n, s->value->list};
    else if (s->value->kind != TOML_TEXT)
        return refuse_kind(s, "a list");
    else if (s->option->type != OPTION_LINES && split(s, &all) != ERR_OK)
        return ERR_MEMORY;
    const char **list = arena_take(s->arena, all.n, sizeof *list);
    if (list == NULL)
        return ERR_MEMORY;
    size_t n = 0;
    for (size_t i = 0; i < all.n; i++) {
        if (all.at[i][0] == 0)
            continue;
        list[n] = arena_take_text(s->arena, bytes_of_text(all.at[i]));
        if (list[n] == NULL)
            return ERR_MEMORY;
        n++;
    }
    if ((int64_t)n > s->option->max)
        return refuse(s, "it has %zu entries, more than %lld", n, (long long)s->option->max);
    *texts = (struct texts){n, list};
    return ERR_OK;
}

static enum err set_list(const struct setting *s)
{
    return want_texts(s, s->field);
}

static enum err set_networks(const struct setting *s)
{
    struct texts texts = {0};
    enum err err = want_texts(s, &texts);
    if (err != ERR_OK)
        return err;
    struct cidr *list = arena_take(s->arena, texts.n, sizeof *list);
    if (list == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < texts.n; i++) {
        if (cidr_parse(bytes_of_text(texts.at[i]), &list[i]) != ERR_OK)
            return refuse(s, "\"%.60s\" is not a network", texts.at[i]);
    }
    *(struct cidrs *)s->field = (struct cidrs){texts.n, list};
    return ERR_OK;
}

// NAME:TOKEN. The entry is told by its number alone, for whatever is wrong with it, it may hold the token.
static enum err set_tokens(const struct setting *s)
{
    struct texts texts = {0};
    enum err err = want_texts(s, &texts);
    if (err != ERR_OK)
        return err;
    struct token *list = arena_take(s->arena, texts.n, sizeof *list);
    if (list == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < texts.n; i++) {
        const char *text = texts.at[i];
        size_t n_name = strspn(text, LETTERS_AND_DIGITS);
        if (n_name == 0 || text[n_name] != ':')
            return refuse(s, "entry %zu does not begin with a name of A-Z a-z 0-9 - _ . and a colon", i + 1);
        const char *secret = text + n_name + 1;
        if (strspn(secret, LETTERS_AND_DIGITS) != strlen(secret) || strchr(secret, '.') != NULL ||
            strlen(secret) < TOKEN_MIN)
            return refuse(s, "the token of entry %zu is too short or holds other characters", i + 1);
        list[i] = (struct token){arena_take_text(s->arena, (struct bytes){(const uint8_t *)text, n_name}), secret};
        if (list[i].name == NULL)
            return ERR_MEMORY;
    }
    *(struct tokens *)s->field = (struct tokens){texts.n, list};
    return ERR_OK;
}

enum err option_set(const struct option *option, struct conf *conf, const struct toml_value *value,
                    char why[static OPTION_WHY_MAX])
{
    static enum err (*const SETTERS[])(const struct setting *) = {
        [OPTION_TEXT] = set_text,     [OPTION_CHOICE] = set_choice, [OPTION_LIST] = set_list,
        [OPTION_LINES] = set_list,    [OPTION_NUMBER] = set_number, [OPTION_NETWORKS] = set_networks,
        [OPTION_TOKENS] = set_tokens, [OPTION_SIZE] = set_size,     [OPTION_BOOL] = set_bool,
    };
    struct setting setting = {option, value, conf->arena, (char *)conf + option->offset, why};
    return SETTERS[option->type](&setting);
}

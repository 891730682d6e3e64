// SPDX-License-Identifier: MIT
// option: options.def as a table, and what can be told of an option without its value.
//
// The file of options is included once for each thing it yields: the rows, the other spellings, the keys that are gone.
// Names fold case, as they do for acme-dns.
#include "option.h"

#include <assert.h>
#include <ctype.h>
#include <strings.h>

const struct option OPTIONS[N_OPTIONS] = {
#define OPTION(section_, key_, type_, fallback_, min_, max_, unit_, help_)                                             \
    {.section = #section_,                                                                                             \
     .key = #key_,                                                                                                     \
     .type = OPTION_##type_,                                                                                           \
     .fallback = (fallback_),                                                                                          \
     .min = (min_),                                                                                                    \
     .max = (max_),                                                                                                    \
     .unit = (unit_),                                                                                                  \
     .help = (help_),                                                                                                  \
     .offset = offsetof(struct conf, section_##_##key_)},
#include "options.def"
};

static const struct {
    const char *section;
    const char *key;
    enum option_id id;
} ALIASES[] = {
#define OPTION(...)
#define ALIAS(section_, key_, of_) {#section_, #key_, OPTION_ID_##section_##_##of_},
#include "options.def"
};

static const struct {
    const char *section;
    const char *key;
} GONE_KEYS[] = {
#define OPTION(...)
#define GONE(section_, key_) {#section_, #key_},
#include "options.def"
};

const char *option_environment(const struct option *option, char name[static OPTION_ENVIRONMENT_MAX])
{
    int n = snprintf(name, OPTION_ENVIRONMENT_MAX, "ACMEZONE_%s_%s", option->section, option->key);
    assert(n > 0 && n < OPTION_ENVIRONMENT_MAX);
    for (char *at = name; *at != 0; at++)
        *at = (char)toupper((unsigned char)*at);
    return name;
}

enum option_id option_find(const char *section, const char *key)
{
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        if (strcasecmp(OPTIONS[id].section, section) == 0 && strcasecmp(OPTIONS[id].key, key) == 0)
            return id;
    }
    for (size_t i = 0; i < sizeof ALIASES / sizeof *ALIASES; i++) {
        if (strcasecmp(ALIASES[i].section, section) == 0 && strcasecmp(ALIASES[i].key, key) == 0)
            return ALIASES[i].id;
    }
    return N_OPTIONS;
}

bool option_is_gone(const char *section, const char *key)
{
    for (size_t i = 0; i < sizeof GONE_KEYS / sizeof *GONE_KEYS; i++) {
        if (strcasecmp(GONE_KEYS[i].section, section) == 0 && strcasecmp(GONE_KEYS[i].key, key) == 0)
            return true;
    }
    return false;
}

bool option_is_list(const struct option *option)
{
    return option->type == OPTION_LIST || option->type == OPTION_LINES || option->type == OPTION_NETWORKS ||
           option->type == OPTION_TOKENS;
}

// A number of bytes in the largest unit that divides it.
static void write_size(int64_t size, char text[static 32])
{
    static const char *const UNITS[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (size != 0 && size % 1024 == 0 && unit + 1 < sizeof UNITS / sizeof *UNITS) {
        size /= 1024;
        unit++;
    }
    snprintf(text, 32, "%lld%s", (long long)size, UNITS[unit]);
}

// The words before '|', with commas.
static void write_words(const char *words, char text[static OPTION_ALLOWED_MAX])
{
    size_t n = 0;
    for (; *words != 0 && *words != '|' && n + 3 < OPTION_ALLOWED_MAX; words++) {
        if (*words == ' ' && words[1] != '|')
            text[n++] = ',';
        text[n++] = *words;
    }
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = 0;
}

static void write_count(const struct option *option, const char *what, char text[static OPTION_ALLOWED_MAX])
{
    if (option->min == 0)
        snprintf(text, OPTION_ALLOWED_MAX, "at most %lld %s", (long long)option->max, what);
    else
        snprintf(text, OPTION_ALLOWED_MAX, "%lld to %lld %s", (long long)option->min, (long long)option->max, what);
}

const char *option_allowed(const struct option *option, char text[static OPTION_ALLOWED_MAX])
{
    static const char *const FIXED[] = {
        [OPTION_BOOL] = "true, false",
        [OPTION_NETWORKS] = "192.0.2.0/24, 2001:db8::/32 and the like",
        [OPTION_TOKENS] = "NAME:TOKEN, the token at least 16 of A-Z a-z 0-9 - _",
    };
    char min[32], max[32];
    switch (option->type) {
    case OPTION_NUMBER:
        snprintf(text, OPTION_ALLOWED_MAX, "%lld to %lld", (long long)option->min, (long long)option->max);
        break;
    case OPTION_SIZE:
        write_size(option->min, min);
        write_size(option->max, max);
        snprintf(text, OPTION_ALLOWED_MAX, "%s to %s", min, max);
        break;
    case OPTION_CHOICE:
        write_words(option->unit, text);
        break;
    case OPTION_TEXT:
        write_count(option, "characters", text);
        break;
    case OPTION_LIST:
    case OPTION_LINES:
        write_count(option, "entries", text);
        break;
    case OPTION_BOOL:
    case OPTION_NETWORKS:
    case OPTION_TOKENS:
        snprintf(text, OPTION_ALLOWED_MAX, "%s", FIXED[option->type]);
        break;
    }
    return text;
}

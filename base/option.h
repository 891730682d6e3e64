// SPDX-License-Identifier: MIT
// option: the table made of options.def, and how a value gets into its field.
//
// The table is constant and may be read by any thread; option_set writes into a conf that nobody else sees yet.
#pragma once

#include "config.h"
#include "toml.h"

enum option_type {
    OPTION_TEXT,
    OPTION_CHOICE,
    OPTION_LIST,
    OPTION_LINES,
    OPTION_NETWORKS,
    OPTION_TOKENS,
    OPTION_NUMBER,
    OPTION_SIZE,
    OPTION_BOOL
};

struct option {
    const char *section;
    const char *key;
    enum option_type type;
    const char *fallback; // the default, as text
    int64_t min;
    int64_t max;
    const char *unit;
    const char *help;
    size_t offset; // of the field in struct conf
};

// OPTION_ID_api_port and so on: places in OPTIONS.
enum option_id {
#define OPTION(section, key, ...) OPTION_ID_##section##_##key,
#include "options.def"
    N_OPTIONS
};

extern const struct option OPTIONS[N_OPTIONS];

// Room for what these functions write.
#define OPTION_ENVIRONMENT_MAX 64
#define OPTION_ALLOWED_MAX     128
#define OPTION_WHY_MAX         320

// Writes ACMEZONE_SECTION_KEY and returns `name`.
const char *option_environment(const struct option *option, char name[static OPTION_ENVIRONMENT_MAX]);

// Finds an option by its section and key in any letter case, other spellings included. N_OPTIONS: there is none.
enum option_id option_find(const char *section, const char *key);

// True for a key that acme-dns had and that means nothing here.
bool option_is_gone(const char *section, const char *key);

// True when the field is a list, so that min and max count entries.
bool option_is_list(const struct option *option);

// Writes what is allowed, such as "0 to 65535" or "none, cert", and returns `text`.
const char *option_allowed(const struct option *option, char text[static OPTION_ALLOWED_MAX]);

// Puts `value` into its field of `conf`; what the field points to lives in conf->arena or is static. Text is read as a
// number, a boolean or a comma list where the type asks for one. ERR_SYNTAX: `why` says what is wrong and what is
// allowed, and never repeats a token. ERR_MEMORY.
enum err option_set(const struct option *option, struct conf *conf, const struct toml_value *value,
                    char why[static OPTION_WHY_MAX]);

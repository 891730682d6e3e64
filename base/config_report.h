// SPDX-License-Identifier: MIT
// config_report: remembers where each option's value came from, and tells what is wrong with it there.
//
// Only config and config_check need it.
#pragma once

#include "option.h"

struct config_report {
    struct config_sink sink;
    const char *file; // as messages name it; a null pointer: none was found
    size_t n_errors;
    struct {
        enum { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT } source;
        unsigned line;
        bool is_bad; // told already
    } origins[N_OPTIONS];
};

#define CONFIG_PLACE_MAX 4224

// Writes where an option's value came from, "FILE:LINE: [api] port" or "ACMEZONE_API_PORT", and returns `place`.
const char *config_place(const struct config_report *report, enum option_id id, char place[static CONFIG_PLACE_MAX]);

// Tells of an option, as "FILE:LINE: [api] port: ..." or "ACMEZONE_API_PORT: ...". One error for an option is enough:
// what follows from it is not told.
[[gnu::format(printf, 3, 4)]] void config_error(struct config_report *report, enum option_id id, const char *format,
                                                ...);
[[gnu::format(printf, 3, 4)]] void config_warn(struct config_report *report, enum option_id id, const char *format,
                                               ...);

// Tells of a place in the file; line 0 is the file as a whole.
[[gnu::format(printf, 3, 4)]] void config_error_at(struct config_report *report, unsigned line, const char *format,
                                                   ...);
[[gnu::format(printf, 3, 4)]] void config_warn_at(struct config_report *report, unsigned line, const char *format, ...);

// SPDX-License-Identifier: MIT
// config_report: one line of text for each thing that is wrong.
//
// Keys and values come from files that somebody else may have written. Whatever the caller puts into a message, control
// characters leave here as '?', so a line is one line and says nothing to a terminal.
#include "config_report.h"

#include <stdarg.h>

#define WHAT_MAX       512
#define FILE_SHOWN_MAX 4096

// `place` may be empty.
static void tell(struct config_report *report, bool is_error, const char *place, const char *what)
{
    char line[CONFIG_PLACE_MAX + WHAT_MAX];
    snprintf(line, sizeof line, "%s%s%s", place, *place == 0 ? "" : ": ", what);
    for (char *at = line; *at != 0; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    report->n_errors += is_error;
    report->sink.on_text(report->sink.arg, is_error, line);
}

static void write_line(const struct config_report *report, unsigned line, char place[static CONFIG_PLACE_MAX])
{
    const char *file = report->file == NULL ? "" : report->file;
    snprintf(place, CONFIG_PLACE_MAX, line == 0 ? "%.*s" : "%.*s:%u", FILE_SHOWN_MAX, file, line);
}

const char *config_place(const struct config_report *report, enum option_id id, char place[static CONFIG_PLACE_MAX])
{
    if (report->origins[id].source == CONFIG_ENVIRONMENT) {
        char name[OPTION_ENVIRONMENT_MAX];
        snprintf(place, CONFIG_PLACE_MAX, "%s", option_environment(&OPTIONS[id], name));
        return place;
    }
    write_line(report, report->origins[id].line, place);
    size_t n = strlen(place);
    snprintf(place + n, CONFIG_PLACE_MAX - n, ": [%s] %s", OPTIONS[id].section, OPTIONS[id].key);
    return place;
}

#define FORMAT(what)                                                                                                   \
    char what[WHAT_MAX];                                                                                               \
    va_list args;                                                                                                      \
    va_start(args, format);                                                                                            \
    vsnprintf(what, sizeof what, format, args);                                                                        \
    va_end(args)

void config_error(struct config_report *report, enum option_id id, const char *format, ...)
{
    FORMAT(what);
    char place[CONFIG_PLACE_MAX];
    if (report->origins[id].is_bad)
        return;
    report->origins[id].is_bad = true;
    tell(report, true, config_place(report, id, place), what);
}

void config_warn(struct config_report *report, enum option_id id, const char *format, ...)
{
    FORMAT(what);
    char place[CONFIG_PLACE_MAX];
    tell(report, false, config_place(report, id, place), what);
}

void config_error_at(struct config_report *report, unsigned line, const char *format, ...)
{
    FORMAT(what);
    char place[CONFIG_PLACE_MAX];
    write_line(report, line, place);
    tell(report, true, place, what);
}

void config_warn_at(struct config_report *report, unsigned line, const char *format, ...)
{
    FORMAT(what);
    char place[CONFIG_PLACE_MAX];
    write_line(report, line, place);
    tell(report, false, place, what);
}

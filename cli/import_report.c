// SPDX-License-Identifier: MIT
// An account is counted once: as brought in, as there already, or under the reason why it was skipped. What is there
// already and different was changed here since it was brought in, or there: it is told, and left alone.
#include "import_report.h"

#include <stdio.h>
#include <stdlib.h>

enum { LISTED_MAX = 1000, SHOWN_MAX = 5 };

struct import_report import_report_new(void)
{
    return (struct import_report){.skipped = json_array()};
}

void import_report_free(struct import_report *report)
{
    json_decref(report->skipped);
}

void import_report_skip(struct import_report *report, enum skip skip, const char *label)
{
    report->n_skips[skip]++;
    if (json_array_size(report->skipped) < LISTED_MAX)
        json_array_append_new(report->skipped, json_pack("{s:s, s:s}", "account", label, "reason", skip_word(skip)));
}

uint64_t import_report_n_skipped(const struct import_report *report)
{
    uint64_t n = 0;
    for (enum skip skip = SKIP_NONE; skip < SKIP_VALUE; skip++)
        n += report->n_skips[skip];
    return n;
}

static void print_skips(const struct import_report *report, enum skip skip)
{
    unsigned n_shown = 0;
    if (report->n_skips[skip] == 0)
        return;
    printf("  %llu: %s:", (unsigned long long)report->n_skips[skip], skip_text(skip));
    for (size_t i = 0; i < json_array_size(report->skipped) && n_shown < SHOWN_MAX; i++) {
        const char *label, *reason;
        if (json_unpack(json_array_get(report->skipped, i), "{s:s, s:s}", "account", &label, "reason", &reason) == 0 &&
            strcmp(reason, skip_word(skip)) == 0)
            printf("%s %s", n_shown++ > 0 ? "," : "", label);
    }
    puts(report->n_skips[skip] > n_shown ? ", …" : "");
}

static unsigned long long fate(const struct import_report *report, enum import_fate which)
{
    return report->n_fates[which];
}

void import_report_print(const struct import_report *report, const struct import_title *title)
{
    uint64_t n_skipped = import_report_n_skipped(report);
    printf("%s -> %s, zone %s\n", title->source, title->store, title->zone);
    printf("%llu accounts read: %llu %s, %llu there already, %llu skipped\n", (unsigned long long)report->n_read,
           fate(report, IMPORT_NEW), title->is_trial ? "to be taken over" : "taken over",
           fate(report, IMPORT_SAME) + fate(report, IMPORT_DIFFERS), (unsigned long long)n_skipped);
    if (fate(report, IMPORT_DIFFERS) > 0)
        printf("  %llu of those there already have changed since; they stay as they are here\n",
               fate(report, IMPORT_DIFFERS));
    for (enum skip skip = SKIP_NONE; skip < N_SKIPS; skip++)
        print_skips(report, skip);
    if (title->is_trial)
        puts("A dry run: nothing was changed.");
    else if (fate(report, IMPORT_NEW) == 0)
        puts("Nothing was changed.");
}

void import_report_print_json(const struct import_report *report, const struct import_title *title)
{
    json_t *reasons = json_object();
    for (enum skip skip = SKIP_NONE; skip < N_SKIPS; skip++)
        if (report->n_skips[skip] > 0)
            json_object_set_new(reasons, skip_word(skip), json_integer((json_int_t)report->n_skips[skip]));
    json_t *all = json_pack(
        "{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:O}", "source", title->source, "store", title->store,
        "zone", title->zone, "dry_run", (int)title->is_trial, "read", (json_int_t)report->n_read, "imported",
        (json_int_t)fate(report, IMPORT_NEW), "unchanged", (json_int_t)fate(report, IMPORT_SAME), "different",
        (json_int_t)fate(report, IMPORT_DIFFERS), "skipped", (json_int_t)import_report_n_skipped(report), "reasons",
        reasons, "skipped_accounts", report->skipped);
    char *text = json_dumps(all, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts(text == NULL ? "{}" : text);
    free(text);
    json_decref(all);
}

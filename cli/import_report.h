// SPDX-License-Identifier: MIT
// import_report: how an import went, in numbers and with what was left out, for people or for programs. One thread.
#pragma once

#include "skip.h"
#include "store.h"

#include <jansson.h>

struct import_report {
    uint64_t n_read;
    uint64_t n_fates[IMPORT_TAKEN + 1];
    uint64_t n_skips[N_SKIPS];
    uint64_t n_bad_values;
    json_t *skipped; // the first of them, [{"account":…,"reason":…}…]
};

struct import_title {
    const char *source; // what it is
    const char *zone;   // in which the accounts are from now on
    const char *store;  // what they were brought into
    bool is_trial;
};

struct import_report import_report_new(void);
void import_report_free(struct import_report *report);

void import_report_skip(struct import_report *report, enum skip skip, const char *label);

// Accounts that were left out.
uint64_t import_report_n_skipped(const struct import_report *report);

void import_report_print(const struct import_report *report, const struct import_title *title);
void import_report_print_json(const struct import_report *report, const struct import_title *title);

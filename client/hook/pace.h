// SPDX-License-Identifier: MIT
// pace: when to try again: exponential back-off with jitter, inside a deadline. The clock is ask_now_ms. A plain value.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int64_t until_ms;  // the end of all patience
    unsigned first_ms; // the first pause, about
    unsigned most_ms;  // no pause is longer
    unsigned n_pauses;
};

bool pace_is_over(const struct pace *pace);

// Sleeps before the next try: between half and all of first_ms doubled for every pause before, but at least
// `at_least_ms` (what a server asked for with Retry-After) and not beyond the deadline. False: the deadline has come.
bool pace_pause(struct pace *pace, unsigned at_least_ms);

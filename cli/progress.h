// SPDX-License-Identifier: MIT
// progress: a bar on standard error while something long goes on; nothing unless that is a terminal. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    uint64_t n_total; // 0: not known
    uint64_t n_done;
    int64_t shown_ms; // when it was drawn last
    bool is_shown;    // something stands on the line
    bool is_terminal;
};

struct progress progress_begin(uint64_t n_total);

// One more is done.
void progress_step(struct progress *progress);

// Takes the bar away.
void progress_end(struct progress *progress);

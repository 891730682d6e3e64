// SPDX-License-Identifier: MIT
// Drawn a few times a second at most, and not in the first half: what is done by then needs no bar.
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MASK = 0xff, SHOW_MS = 200, FIRST_MS = 500, BAR_CHARS = 40 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

struct progress progress_begin(uint64_t n_total)
{
    return (struct progress){
        .n_total = n_total, .shown_ms = now_ms() + FIRST_MS - SHOW_MS, .is_terminal = isatty(STDERR_FILENO) == 1};
}

static void draw(const struct progress *progress)
{
    static const char full[BAR_CHARS + 1] = "########################################";
    if (progress->n_total == 0) {
        fprintf(stderr, "\r%llu accounts", (unsigned long long)progress->n_done);
        return;
    }
    double part = (double)progress->n_done / (double)progress->n_total;
    int n = part >= 1 ? BAR_CHARS : (int)(part * BAR_CHARS);
    fprintf(stderr, "\r[%.*s%*s] %3d%%  %llu of %llu accounts", n, full, BAR_CHARS - n, "",
            part >= 1 ? 100 : (int)(part * 100), (unsigned long long)progress->n_done,
            (unsigned long long)progress->n_total);
}

void progress_step(struct progress *progress)
{
    progress->n_done++;
    if (!progress->is_terminal || (progress->n_done & STEP_MASK) != 0)
        return;
    int64_t now = now_ms();
    if (now - progress->shown_ms < SHOW_MS)
        return;
    draw(progress);
    progress->shown_ms = now;
    progress->is_shown = true;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}

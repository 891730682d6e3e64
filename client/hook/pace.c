// SPDX-License-Identifier: MIT
// The jitter is what keeps a thousand machines that lost the same server from coming back in the same second.
#include "pace.h"

#include "ask.h"
#include "secret.h"

#include <time.h>

enum { DOUBLINGS_MAX = 10 };

bool pace_is_over(const struct pace *pace)
{
    return ask_now_ms() >= pace->until_ms;
}

static int64_t jittered(int64_t ms)
{
    uint32_t random;
    secret_random(&random, sizeof random);
    return ms / 2 + random % (ms / 2 + 1);
}

bool pace_pause(struct pace *pace, unsigned at_least_ms)
{
    unsigned doublings = pace->n_pauses < DOUBLINGS_MAX ? pace->n_pauses : DOUBLINGS_MAX;
    int64_t ms = (int64_t)pace->first_ms << doublings;
    ms = jittered(ms < pace->most_ms ? ms : pace->most_ms);
    ms = ms < at_least_ms ? at_least_ms : ms;
    int64_t left_ms = pace->until_ms - ask_now_ms();
    if (left_ms <= 0)
        return false;
    ms = ms < left_ms ? ms : left_ms;
    pace->n_pauses++;
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&pause, &pause) != 0)
        ;
    return !pace_is_over(pace);
}

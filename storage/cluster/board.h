// SPDX-License-Identifier: MIT
// board: what the cluster's thread lets the others see of the replica. Written by that thread, read by any, no locks.
#pragma once

#include "state.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#define BOARD_NEVER INT64_MIN

struct board {
    _Atomic int state;            // enum state
    _Atomic(const char *) reason; // why it is not in step; static
    _Atomic int64_t touched_ms;   // board_now_ms of the last time when all that etcd held was applied here
    _Atomic int64_t confirmed_ms; // and when its key was there, so that the others waited for it; both: or BOARD_NEVER
    _Atomic uint64_t n_lag;       // revisions that etcd was last known to be ahead
    _Atomic uint64_t n_live;      // replicas that are live, this one included
    _Atomic bool is_loaded;       // the copy is that of a whole snapshot
    _Atomic bool is_sound;        // the last commit succeeded
    _Atomic bool is_settled;      // it has been in step, or has tried every endpoint in vain
};

// Milliseconds of a clock that goes on while the machine sleeps.
static inline int64_t board_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

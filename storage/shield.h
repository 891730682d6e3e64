// SPDX-License-Identifier: MIT
// shield: what the disk cannot read of a mapped file is an error, not the end of the process.
//
// The kernel answers a look at such a page with SIGBUS: the disk is broken or full, or somebody has cut the file.
#pragma once

#include "err.h"

#include <stdbool.h>

// Handles SIGBUS from now on; outside of shield_run it ends the process as ever. ERR_SYSTEM.
enum err shield_install(void);

// Runs `run(arg)`. False: it was cut off by SIGBUS, and nothing that it holds has been released. Any thread; one
// shielded run may hold another.
bool shield_run(void (*run)(void *arg), void *arg);

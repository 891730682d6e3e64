// SPDX-License-Identifier: MIT
// landlock: the files that this thread and those it makes may still open.
#pragma once

#include "config.h"

// `version` is that of the kernel's Landlock, or 0 when it has none and nothing was done. ERR_SYSTEM: errno says why.
enum err landlock_enter(const struct conf *conf, int *version);

// The same for the process that runs the ACME client.
enum err landlock_enter_agent(const struct conf *conf, int *version);

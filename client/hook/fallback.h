// SPDX-License-Identifier: MIT
// fallback: any other way to publish, as a command for the shell.
#pragma once

#include "form.h"

#include <stdbool.h>
#include <stdint.h>

// Runs the command with NAME (_acme-challenge.DOMAIN), VALUE and DOMAIN in its environment; its output is ours. Ended
// with all it started at `until_ms` of ask_now_ms. True: it ended with 0; otherwise the reason has been said.
bool fallback_run(const char *command, const struct challenge *challenge, int64_t until_ms);

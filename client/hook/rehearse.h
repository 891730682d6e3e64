// SPDX-License-Identifier: MIT
// rehearse: a whole run with random values, which are taken back at the end.
#pragma once

#include "hook.h"

// Does for the domains of the form what hook_run does. Then each server is brought back to what it served before: it is
// sent the values that were there, in their order, or asked to forget all values when there were none.
enum outcome rehearse(const struct hook_options *options, const struct form *form);

// SPDX-License-Identifier: MIT
// config_check: what one option alone cannot know. Only config needs it.
#pragma once

#include "config_report.h"

// Fills in what is left open, brings names into one shape, works out the fields at the end of struct conf, and tells
// what does not fit together. ERR_MEMORY; what is unsound is counted in `report`, and then the fields at the end may be
// unfinished.
enum err config_check(struct conf *conf, struct config_report *report);

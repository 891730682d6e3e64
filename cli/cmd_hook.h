// SPDX-License-Identifier: MIT
// cmd_hook: `acmezone hook`, what ACME clients call to publish a challenge. Also the whole program, when it is called
// by a name that begins with "acmezone-hook": some clients take a path and no words.
#pragma once

#include <stdbool.h>

int cmd_hook(int argc, char **argv);

// Whether the program was called by the hook's name.
bool cmd_hook_is_called(const char *argv0);

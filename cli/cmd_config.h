// SPDX-License-Identifier: MIT
// cmd_config: `acmezone config`, and reading the configuration for every other command.
#pragma once

#include "config.h"

// Runs the command; argv[0] is its name, "config". Returns the exit status.
int cmd_config(int argc, char **argv);

// Reads `file`, or the usual places when it is a null pointer, and tells of errors and warnings on standard error.
// Returns 0, or the exit status: 2 for an unsound configuration, 1 for a file that is not there or cannot be read.
int cmd_config_load(struct conf **conf, const char *file);

// The same with the file's content in hand; `name` stands for it in messages.
int cmd_config_load_text(struct conf **conf, struct bytes text, const char *name);

// SPDX-License-Identifier: MIT
// cmd_account: `acmezone account`, for whoever runs the server.
#pragma once

// Runs the command; argv[0] is its name, "account". Returns the exit status: 0; 1 when something was refused or is not
// there; 2 for a command line or a configuration that makes no sense.
int cmd_account(int argc, char **argv);

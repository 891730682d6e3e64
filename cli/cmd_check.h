// SPDX-License-Identifier: MIT
// cmd_check: `acmezone check`, which tells the owner of a domain what an authority would stumble over.
#pragma once

// Runs the command; argv[0] is its name, "check". Returns the exit status: 0 all is well, 1 warnings, 2 something is
// broken, 3 the check could not be made (usage, unreadable file).
int cmd_check(int argc, char **argv);

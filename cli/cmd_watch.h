// SPDX-License-Identifier: MIT
// cmd_watch: `acmezone watch`, which tells somebody before a certificate ends or can no longer be renewed.
#pragma once

// Runs the command; argv[0] is its name, "watch". Returns the exit status. With --once: 0 all is well, 1 something is
// pending, issuing or expiring, 2 something is broken. 3: the watch could not be made. Otherwise 0, when it is told to
// end (SIGTERM, SIGINT).
int cmd_watch(int argc, char **argv);

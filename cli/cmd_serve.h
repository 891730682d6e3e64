// SPDX-License-Identifier: MIT
// cmd_serve: the server, from start to SIGTERM.
#pragma once

// `argv[0]` is the command's or the program's name. Returns 0 after SIGTERM or SIGINT, 1 when something cannot be
// opened or bound, 2 for a bad command line or config.
int cmd_serve(int argc, char **argv);

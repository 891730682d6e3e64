// SPDX-License-Identifier: MIT
// cmd_backup: `acmezone backup`, `acmezone restore` and `acmezone verify`.
//
// argv[0] is the command's name. Each returns the exit status: 0 done, and with verify all is sound; 1 not done, or
// with verify something is unsound; 2 a bad command line or config.
#pragma once

int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_verify(int argc, char **argv);

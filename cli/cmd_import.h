// SPDX-License-Identifier: MIT
// cmd_import: `acmezone import`, accounts out of an acme-dns database or of an export into the store.
#pragma once

// argv[0] is the command's name. Returns the exit status: 0 all accounts are there; 1 nothing was done; 2 a bad command
// line or config; 3 some accounts were skipped, the others are there.
int cmd_import(int argc, char **argv);

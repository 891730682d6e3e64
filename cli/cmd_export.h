// SPDX-License-Identifier: MIT
// cmd_export: `acmezone export`, all accounts as JSON lines, or as a database of acme-dns.
#pragma once

// argv[0] is the command's name. Returns the exit status: 0 done; 1 not done; 2 a bad command line or config; 3 done,
// but some accounts are not in it as they are in the store.
int cmd_export(int argc, char **argv);

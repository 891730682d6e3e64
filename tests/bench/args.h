// SPDX-License-Identifier: MIT
// args: the command line of the bench's programs: words of the form key=value, described by one table.
#pragma once

#include <stddef.h>

// One key. Its variable holds the default before and the value after args_read; exactly one of the two is set.
struct arg {
    const char *key;
    double *number;
    const char **text;
};

// Ends the program with status 2 and the list of keys when a word fits no row.
void args_read(int argc, char **argv, const struct arg *table, size_t n);

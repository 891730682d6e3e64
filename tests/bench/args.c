// SPDX-License-Identifier: MIT
// A word is compared with every row up to its '='; numbers are read whole or not at all.
#include "args.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_usage(const char *program, const struct arg *table, size_t n)
{
    fprintf(stderr, "Usage: %s KEY=VALUE...\n", program);
    for (size_t i = 0; i < n; i++) {
        if (table[i].number != NULL)
            fprintf(stderr, "  %s=%g\n", table[i].key, *table[i].number);
        else
            fprintf(stderr, "  %s=%s\n", table[i].key, *table[i].text);
    }
}

static bool take(const char *word, const struct arg *arg)
{
    size_t n_key = strlen(arg->key);
    if (strncmp(word, arg->key, n_key) != 0 || word[n_key] != '=')
        return false;
    const char *value = word + n_key + 1;
    if (arg->text != NULL) {
        *arg->text = value;
        return true;
    }
    char *end;
    *arg->number = strtod(value, &end);
    return end != value && *end == '\0';
}

void args_read(int argc, char **argv, const struct arg *table, size_t n)
{
    for (int i = 1; i < argc; i++) {
        bool is_taken = false;
        for (size_t row = 0; row < n && !is_taken; row++)
            is_taken = take(argv[i], &table[row]);
        if (!is_taken) {
            fprintf(stderr, "%s: cannot take '%s'\n", argv[0], argv[i]);
            print_usage(argv[0], table, n);
            exit(2);
        }
    }
}

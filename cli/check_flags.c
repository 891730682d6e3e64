// SPDX-License-Identifier: MIT
// check_flags: the arrays are part of the struct, so options point into it: it stays where it is.
#include "check_flags.h"

#include "cmd_config.h"

#include <errno.h>
#include <stdlib.h>

enum { NUMBER_MAX = 86400000, MS_PER_S = 1000 };

bool check_flags_number(const char *command, const char *text, unsigned *number)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *end != 0 || end == text || value < 1 || value > NUMBER_MAX) {
        fprintf(stderr, "acmezone %s: \"%s\" is not a number from 1 to %d\n", command, text, NUMBER_MAX);
        return false;
    }
    *number = (unsigned)value;
    return true;
}

static bool add_upstream(const char *command, const char *text, struct upstream *list, size_t *n)
{
    if (*n == CHECK_FLAGS_UPSTREAMS_MAX) {
        fprintf(stderr, "acmezone %s: there are more than %d servers\n", command, CHECK_FLAGS_UPSTREAMS_MAX);
        return false;
    }
    if (upstream_parse(text, &list[*n]) != ERR_OK) {
        fprintf(stderr, "acmezone %s: \"%s\" is neither IP[@PORT] nor https://HOST/PATH\n", command, text);
        return false;
    }
    ++*n;
    return true;
}

static bool add_root(struct check_flags *flags, const char *command, const char *text)
{
    flags->options.roots = flags->roots;
    return add_upstream(command, text, flags->roots, &flags->options.n_roots);
}

static bool take_config(struct check_flags *flags, const char *file)
{
    config_free(flags->conf);
    flags->conf = NULL;
    if (cmd_config_load(&flags->conf, file) != 0)
        return false;
    flags->options.zones = flags->conf->general_domain.at;
    flags->options.n_zones = flags->conf->general_domain.n;
    return true;
}

bool check_flags_take(struct check_flags *flags, const char *command, int letter, char *argument)
{
    struct check_options *options = &flags->options;
    switch (letter) {
    case 'c':
        return take_config(flags, argument);
    case FLAG_ROOT:
        return add_root(flags, command, argument);
    case FLAG_RESOLVER:
        options->resolvers = flags->resolvers;
        return add_upstream(command, argument, flags->resolvers, &options->n_resolvers);
    case FLAG_ANCHOR:
        options->anchors_file = argument;
        return true;
    case FLAG_CA_FILE:
        options->ca_file = argument;
        return true;
    case FLAG_CA:
        options->ca = argument;
        return true;
    case FLAG_ACCOUNT_URI:
        options->account_uri = argument;
        return true;
    case FLAG_WILDCARD:
        options->is_wildcard = true;
        return true;
    case FLAG_EXPECT:
        options->expect = argument;
        return true;
    case FLAG_TIMEOUT:
        return check_flags_number(command, argument, &options->timeout_ms);
    case FLAG_DEADLINE:
        if (!check_flags_number(command, argument, &options->deadline_ms))
            return false;
        options->deadline_ms =
            options->deadline_ms > NUMBER_MAX / MS_PER_S ? NUMBER_MAX : options->deadline_ms * MS_PER_S;
        return true;
    default:
        fprintf(stderr, "acmezone %s: see \"acmezone %s --help\"\n", command, command);
        return false;
    }
}

enum err check_flags_run(const struct check_flags *flags, const char *command, const char *domain, struct check **check)
{
    enum err err = check_run(check, domain, &flags->options);
    const char *file = flags->options.anchors_file != NULL ? flags->options.anchors_file : "the trust anchors";
    if (err == ERR_SYNTAX)
        fprintf(stderr, "acmezone %s: \"%s\" is not a domain name (other letters than a-z: write it as xn--...)\n",
                command, domain);
    else if (err == ERR_NOT_FOUND)
        fprintf(stderr, "acmezone %s: %s: cannot be opened\n", command, file);
    else if (err == ERR_RANGE)
        fprintf(stderr, "acmezone %s: %s: holds something else than DS and DNSKEY records\n", command, file);
    else if (err != ERR_OK)
        fprintf(stderr, "acmezone %s: %s\n", command, err_text(err));
    return err;
}

void check_flags_free(struct check_flags *flags)
{
    config_free(flags->conf);
}

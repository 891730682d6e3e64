// SPDX-License-Identifier: MIT
// check_flags: the options of a check on a command line, the same for every command that checks domains.
#pragma once

#include "check.h"
#include "config.h"

#include <getopt.h>

enum { CHECK_FLAGS_UPSTREAMS_MAX = 32 };

// Letters of getopt_long beyond those of a command's own.
enum {
    FLAG_ROOT = 512,
    FLAG_RESOLVER,
    FLAG_ANCHOR,
    FLAG_CA_FILE,
    FLAG_CA,
    FLAG_ACCOUNT_URI,
    FLAG_WILDCARD,
    FLAG_EXPECT,
    FLAG_DEADLINE,
    FLAG_TIMEOUT,
};

// Rows for the command's table of long options, and what --help says of them.
#define CHECK_FLAGS_OPTIONS                                                                                            \
    {"root", required_argument, NULL, FLAG_ROOT}, {"resolver", required_argument, NULL, FLAG_RESOLVER},                \
        {"trust-anchor", required_argument, NULL, FLAG_ANCHOR}, {"ca-file", required_argument, NULL, FLAG_CA_FILE},    \
        {"ca", required_argument, NULL, FLAG_CA}, {"account-uri", required_argument, NULL, FLAG_ACCOUNT_URI},          \
        {"wildcard", no_argument, NULL, FLAG_WILDCARD}, {"expect", required_argument, NULL, FLAG_EXPECT},              \
        {"deadline", required_argument, NULL, FLAG_DEADLINE}, {"timeout", required_argument, NULL, FLAG_TIMEOUT},      \
    {                                                                                                                  \
        "config", required_argument, NULL, 'c'                                                                         \
    }
#define CHECK_FLAGS_HELP                                                                                               \
    "  --expect FULLDOMAIN    where the CNAME has to lead\n"                                                           \
    "  -c, --config FILE      the server's configuration: the CNAME has to lead into one of its zones\n"               \
    "  --ca NAME              the authority, as CAA records name it (letsencrypt.org)\n"                               \
    "  --account-uri URL      your ACME account, for CAA records with accounturi\n"                                    \
    "  --wildcard             the certificate is for *.DOMAIN too\n"                                                   \
    "  --resolver WHO         a resolver to compare with: IP[@PORT] or https://HOST/PATH; repeatable\n"                \
    "  --root IP[@PORT]       a root server, instead of the Internet's; repeatable\n"                                  \
    "  --trust-anchor FILE    DS or DNSKEY records to trust, instead of the Internet's root\n"                         \
    "  --ca-file FILE         authorities of https, in PEM, instead of the system's\n"                                 \
    "  --timeout MS           how long one try of one question may take (2000)\n"                                      \
    "  --deadline SECONDS     how long the check of one domain may take (30)\n"

// What was given. Begin with {0}; check_flags_free at the end.
struct check_flags {
    struct check_options options;
    struct upstream roots[CHECK_FLAGS_UPSTREAMS_MAX];
    struct upstream resolvers[CHECK_FLAGS_UPSTREAMS_MAX];
    struct conf *conf;
};

// Takes one option. False: it is unsound, which has been said on standard error in the name of the command.
bool check_flags_take(struct check_flags *flags, const char *command, int letter, char *argument);

// A number of at least 1. False as above.
bool check_flags_number(const char *command, const char *text, unsigned *number);

// Runs a check and says on standard error why it cannot be run. ERR as check_run.
enum err check_flags_run(const struct check_flags *flags, const char *command, const char *domain,
                         struct check **check);

void check_flags_free(struct check_flags *flags);

// SPDX-License-Identifier: MIT
// Two tables: the commands, each with the options and the number of words it takes, and the options, each with where
// its value goes. Words are read before the store is opened.
#include "cmd_account.h"

#include "account_options.h"
#include "cmd_config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The letters of the options that a command takes besides -c and --help.
enum { JSON = 'j', YES = 'y', ANYWHERE = 'a', NEVER = 'n', DISABLED = 'd', NOTE = 'N', SUBDOMAIN = 's', OLDER = 'o' };
enum { UNUSED = 'u', NETWORK = 'f' };

enum { MANY = 1 << 20 };

static const struct command {
    const char *name;
    const char *options;
    int n_min, n_max; // words
    int (*run)(struct guest *guest, const struct account_options *options);
    const char *usage;
    const char *help;
} commands[] = {
    {"list", "jndNou", 0, 0, account_list, "[FILTER…] [--json]",
     "print all accounts, or those that pass every filter given\n"
     "  --older-than TIME   made before that time: 90d, 12h, 4w\n"
     "  --unused-for TIME   without an update since then\n"
     "  --never-used        without an update ever\n"
     "  --disabled          disabled\n"
     "  --note TEXT         with this text in the note"},
    {"show", "j", 1, 1, account_show, "ACCOUNT [--json]", "print one account, with its values and networks"},
    {"create", "jNsf", 0, 0, account_create, "[--subdomain NAME] [--note TEXT] [--allowfrom NETWORK]… [--json]",
     "make an account, and print its password, this once"},
    {"disable", "", 1, MANY, account_disable, "ACCOUNT…",
     "no updates any more, and no answers with its values, until it is enabled"},
    {"enable", "", 1, MANY, account_enable, "ACCOUNT…", "undo that; the values are back"},
    {"delete", "y", 1, MANY, account_delete, "ACCOUNT… [--yes]", "delete accounts with their values"},
    {"clear", "", 1, MANY, account_clear, "ACCOUNT…", "remove the values"},
    {"rotate", "j", 1, 1, account_rotate, "ACCOUNT [--json]", "a new password, printed this once; the old one is void"},
    {"allow", "a", 1, MANY, account_allow, "ACCOUNT NETWORK… | ACCOUNT --anywhere",
     "from where the account may be used, instead of what was said before"},
    {"note", "", 2, 2, account_note, "ACCOUNT TEXT", "a note for people"},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"json", no_argument, NULL, JSON},
                                             {"yes", no_argument, NULL, YES},
                                             {"anywhere", no_argument, NULL, ANYWHERE},
                                             {"never-used", no_argument, NULL, NEVER},
                                             {"disabled", no_argument, NULL, DISABLED},
                                             {"note", required_argument, NULL, NOTE},
                                             {"subdomain", required_argument, NULL, SUBDOMAIN},
                                             {"older-than", required_argument, NULL, OLDER},
                                             {"unused-for", required_argument, NULL, UNUSED},
                                             {"allowfrom", required_argument, NULL, NETWORK},
                                             {0}};

static void print_help(FILE *out)
{
    fputs("Usage: acmezone account COMMAND [-c FILE] …\n"
          "\n"
          "Works beside a running server, or without one. An ACCOUNT is given by its username, its\n"
          "subdomain or its full name.\n"
          "\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-8s %.*s\n", commands[i].name, (int)strcspn(commands[i].help, "\n"), commands[i].help);
    fputs("\n  acmezone account COMMAND --help says more.\n", out);
}

static void print_command_help(const struct command *command)
{
    printf("Usage: acmezone account %s [-c FILE] %s\n\n%s\n", command->name, command->usage, command->help);
    if (strchr(command->options, JSON) != NULL)
        puts("  --json              for programs: one object a line");
    puts("  -c FILE             the configuration (default /etc/acme-dns/config.cfg, else ./config.cfg)");
}

static int refuse(const struct command *command, const char *why, const char *what)
{
    fprintf(stderr, "acmezone account %s: %s%s; see \"acmezone account %s --help\"\n", command->name, why, what,
            command->name);
    return EXIT_USAGE;
}

// "90d" in seconds; 0: that is no time.
static uint64_t read_time(const char *text)
{
    static const struct {
        char letter;
        uint64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}, {'y', 365 * 86400}};
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || n > UINT32_MAX || end[0] == '\0' || end[1] != '\0')
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].letter == end[0])
            return n * units[i].s;
    return 0;
}

// False: the value is none.
static bool take_option(struct account_options *options, int letter, const char *value)
{
    bool *flags[] = {[JSON] = &options->is_json,
                     [YES] = &options->is_yes,
                     [ANYWHERE] = &options->is_anywhere,
                     [NEVER] = &options->is_never_used,
                     [DISABLED] = &options->is_disabled};
    switch (letter) {
    case NOTE:
        options->note = value;
        return true;
    case SUBDOMAIN:
        options->subdomain = value;
        return true;
    case OLDER:
        return (options->older_than_s = read_time(value)) > 0;
    case UNUSED:
        return (options->unused_for_s = read_time(value)) > 0;
    case NETWORK:
        if (options->n_networks == ACCOUNT_NETWORKS_MAX)
            return false;
        options->networks[options->n_networks++] = value;
        return true;
    default:
        *flags[letter] = true;
        return true;
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    struct account_options options = {0};
    const char *file = NULL;
    int letter;
    optind = 0; // glibc: begin anew
    while ((letter = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        if (letter == 'h') {
            print_command_help(command);
            return account_print_end();
        }
        if (letter == '?')
            return refuse(command, "that option is not known", "");
        if (letter == 'c')
            file = optarg;
        else if (strchr(command->options, letter) == NULL)
            return refuse(command, "it does not take ", argv[optind - 1]);
        else if (!take_option(&options, letter, optarg))
            return refuse(command, "no such value: ", optarg);
    }
    options.words = argv + optind;
    options.n_words = argc - optind;
    if (options.n_words < command->n_min)
        return refuse(command, "something is missing: ", command->usage);
    if (options.n_words > command->n_max)
        return refuse(command, "too much: ", options.words[command->n_max]);
    struct guest guest;
    int status = guest_open(&guest, file);
    if (status != 0)
        return status;
    status = command->run(&guest, &options);
    guest_close(&guest);
    return status;
}

int cmd_account(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return account_print_end();
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    fprintf(stderr, "acmezone account: there is no command \"%s\"\n", argv[1]);
    print_help(stderr);
    return EXIT_USAGE;
}

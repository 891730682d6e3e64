// SPDX-License-Identifier: MIT
// The command table. An acme-dns command line has no command at all, only "-c FILE" or nothing: that means serve.
#include "callback.h"
#include "cmd_account.h"
#include "cmd_backup.h"
#include "cmd_check.h"
#include "cmd_config.h"
#include "cmd_export.h"
#include "cmd_hook.h"
#include "cmd_import.h"
#include "cmd_serve.h"
#include "cmd_watch.h"

#include <stdio.h>
#include <string.h>

static int cmd_help(int argc, char **argv);

static int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("acmezone " ACMEZONE_VERSION);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv); // argv[0] is the command's name; returns the exit code
    const char *help;                  // a null pointer: not for people
} commands[] = {
    {"serve", cmd_serve, "serve DNS and the API (also without a command, as acme-dns does)"},
    {"check", cmd_check, "follow a domain's challenges as an authority would, and say what is wrong"},
    {"watch", cmd_watch, "watch certificates and delegations, and tell somebody in time"},
    {"config", cmd_config, "print every option, a sample file, or check a file"},
    {"hook", cmd_hook, "publish a challenge, as the hook of an ACME client"},
    {"account", cmd_account, "list, show, make, change and delete accounts"},
    {"import", cmd_import, "bring accounts in, from acme-dns or from an export"},
    {"export", cmd_export, "write all accounts to a file"},
    {"backup", cmd_backup, "copy the store to a file, also while a server runs"},
    {"restore", cmd_restore, "put a backup in place of the store"},
    {"verify", cmd_verify, "look at every record of a store or a backup"},
    {"version", cmd_version, "print the version"},
    {"help", cmd_help, "print this"},
    {"begin", callback_main, NULL}, // uacme's words
    {"done", callback_main, NULL},
    {"failed", callback_main, NULL},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
    fputs("Usage: acmezone [serve] [-c FILE]\n       acmezone COMMAND [--help]\n\nCommands:\n", out);
    for (size_t i = 0; i < N_COMMANDS && commands[i].help != NULL; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
}

static int cmd_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    print_help(stdout);
    return 0;
}

static const struct command *find_command(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return find_command("help");
    if (strcmp(name, "--version") == 0)
        return find_command("version");
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 0 && cmd_hook_is_called(argv[0]))
        return cmd_hook(argc, argv);
    if (argc < 2)
        return cmd_serve(argc, argv);
    const struct command *command = find_command(argv[1]);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    if (argv[1][0] == '-')
        return cmd_serve(argc, argv);
    fprintf(stderr, "acmezone: there is no command \"%s\"\n", argv[1]);
    print_help(stderr);
    return 2;
}

// SPDX-License-Identifier: MIT
// Every option can also come from the environment, as many ACME clients call their hook by a bare path. The command
// line wins. A list in the environment is separated by spaces or commas.
#include "cmd_hook.h"

#include "ask.h"
#include "hook.h"
#include "notice.h"
#include "rehearse.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECONDS_MAX = 86400, DEADLINE_S = 180, CALL_S = 10, CNAME_WAIT_AT_TERMINAL_S = 3600, DIRECTORY_MODE = 0700 };
enum { SETTINGS_MAX = 16 };

struct settings {
    struct hook_options hook;
    char *owned[SETTINGS_MAX]; // texts to be freed at the end
    size_t n_owned;
    bool is_rehearsal;
    bool has_cname_wait;
};

static bool put_server(struct settings *settings, char *text)
{
    struct hook_options *hook = &settings->hook;
    size_t n = strlen(text);
    if (hook->n_servers == HOOK_SERVERS_MAX || n > 512 ||
        (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0))
        return false;
    while (text[n - 1] == '/')
        text[--n] = '\0';
    hook->servers[hook->n_servers++] = text;
    return true;
}

static bool put_network(struct settings *settings, char *text)
{
    if (settings->hook.n_networks == HOOK_NETWORKS_MAX)
        return false;
    settings->hook.networks[settings->hook.n_networks++] = text;
    return true;
}

static bool put_root(struct settings *settings, char *text)
{
    struct hook_options *hook = &settings->hook;
    return hook->n_roots < HOOK_UPSTREAMS_MAX && upstream_parse(text, &hook->roots[hook->n_roots++]) == ERR_OK;
}

static bool put_resolver(struct settings *settings, char *text)
{
    struct hook_options *hook = &settings->hook;
    return hook->n_resolvers < HOOK_UPSTREAMS_MAX &&
           upstream_parse(text, &hook->resolvers[hook->n_resolvers++]) == ERR_OK;
}

static bool put_seconds(unsigned *seconds, const char *text, unsigned least)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < least || number > SECONDS_MAX)
        return false;
    *seconds = (unsigned)number;
    return true;
}

static bool put_deadline(struct settings *settings, char *text)
{
    return put_seconds(&settings->hook.deadline_s, text, 1);
}

static bool put_timeout(struct settings *settings, char *text)
{
    return put_seconds(&settings->hook.call_s, text, 1);
}

static bool put_cname_wait(struct settings *settings, char *text)
{
    settings->has_cname_wait = true;
    return put_seconds(&settings->hook.cname_wait_s, text, 0);
}

static bool put_credentials(struct settings *settings, char *text)
{
    settings->hook.credentials = text;
    return text[0] != '\0';
}

static bool put_token(struct settings *settings, char *text)
{
    settings->hook.token = text;
    return true;
}

static bool put_fallback(struct settings *settings, char *text)
{
    settings->hook.fallback = text[0] == '\0' ? NULL : text;
    return true;
}

static bool put_ca_file(struct settings *settings, char *text)
{
    settings->hook.ca_file = text;
    return text[0] != '\0';
}

static bool put_no_wait(struct settings *settings, char *)
{
    settings->hook.is_unseen = true;
    return true;
}

static bool put_dry_run(struct settings *settings, char *)
{
    settings->is_rehearsal = true;
    return true;
}

static const struct setting {
    const char *name;
    const char *environment;
    const char *value; // what is wanted; NULL: the option takes nothing, and the environment's 1 stands for it
    bool (*put)(struct settings *settings, char *text);
    bool is_list;
    const char *help;
} table[] = {
    {"server", "ACMEZONE_SERVER", "URL", put_server, true,
     "of an API, repeatable; all get the value, one where the CNAME leads must take it"},
    {"credentials", "ACMEZONE_CREDENTIALS", "FILE", put_credentials, false,
     "JSON, as acme-dns's certbot hook and lego keep it; default /etc/acmezone/hook.json, for users\n"
     "~/.config/acmezone/hook.json"},
    {"token", "ACMEZONE_TOKEN", "TOKEN", put_token, false, "for registrations, where the server wants one"},
    {"allowfrom", "ACMEZONE_ALLOWFROM", "NETWORK", put_network, true,
     "from where new accounts may be used, repeatable"},
    {"fallback", "ACMEZONE_FALLBACK", "COMMAND", put_fallback, false,
     "for the shell, when no server takes the value; finds NAME, VALUE and DOMAIN in its environment"},
    {"resolver", "ACMEZONE_RESOLVER", "IP[@PORT]", put_resolver, true,
     "or a DNS over HTTPS URL, repeatable; has to know the value too before the hook returns"},
    {"deadline", "ACMEZONE_DEADLINE", "SECONDS", put_deadline, false, "for publishing and looking; default 180"},
    {"timeout", "ACMEZONE_TIMEOUT", "SECONDS", put_timeout, false, "of one call to a server; default 10"},
    {"cname-wait", "ACMEZONE_CNAME_WAIT", "SECONDS", put_cname_wait, false,
     "how long a missing CNAME is waited for; default 0, at a terminal 3600"},
    {"ca-file", "ACMEZONE_CA_FILE", "FILE", put_ca_file, false, "PEM authorities of the servers' certificates"},
    {"root", "ACMEZONE_ROOT", "IP[@PORT]", put_root, true, "a root name server, repeatable; default: the real ones"},
    {"no-wait", "ACMEZONE_NO_WAIT", NULL, put_no_wait, false,
     "return once the value is published; look neither for the CNAME nor for the value"},
    {"dry-run", "ACMEZONE_DRY_RUN", NULL, put_dry_run, false,
     "do everything with a random value instead, and take it back"},
};

static_assert(sizeof table / sizeof table[0] < SETTINGS_MAX); // and the default path of the credentials

enum { N_SETTINGS = sizeof table / sizeof table[0], HELP_LETTER = 'h', FIRST_LETTER = 256, HELP_COLUMN = 24 };

static void print_help(void)
{
    printf(
        "Usage: acmezone hook [OPTION]... [WORD]...\n\nPublishes the value of a dns-01 challenge and returns when all "
        "name servers have it.\n\nWords, as ACME clients say them to their hook:\n%s\nOptions, also from the "
        "environment:\n",
        FORM_HELP);
    for (size_t i = 0; i < N_SETTINGS; i++) {
        printf("  --%s %s%*s%s\n", table[i].name, table[i].value == NULL ? "" : table[i].value,
               (int)(HELP_COLUMN - strlen(table[i].name) - (table[i].value == NULL ? 0 : strlen(table[i].value))), "",
               table[i].environment);
        for (const char *at = table[i].help; at != NULL;) {
            const char *end = strchr(at, '\n');
            printf("        %.*s\n", (int)(end == NULL ? strlen(at) : (size_t)(end - at)), at);
            at = end == NULL ? NULL : end + 1;
        }
    }
    puts("  --help\n\nExit codes:");
#define PRINT_OUTCOME(name, code, text) printf("  %d  %s\n", code, text);
    OUTCOME_LIST(PRINT_OUTCOME)
#undef PRINT_OUTCOME
}

static bool put(struct settings *settings, const struct setting *setting, char *text, const char *source)
{
    if (setting->put(settings, text))
        return true;
    notice("%s: \"%s\" is not a good %s, or one too many", source, text,
           setting->value == NULL ? "value" : setting->value);
    return false;
}

static char *own(struct settings *settings, char *text)
{
    if (text != NULL)
        settings->owned[settings->n_owned++] = text;
    return text;
}

static bool put_switch(struct settings *settings, const struct setting *setting, const char *said)
{
    bool is_on = strcmp(said, "1") == 0;
    if (is_on)
        return setting->put(settings, NULL);
    if (strcmp(said, "0") == 0)
        return true;
    notice("%s: 1 or 0 is wanted, not \"%s\"", setting->environment, said);
    return false;
}

// What the command line has not said. A list is split in place, in a copy of the text.
static bool put_environment(struct settings *settings, const struct setting *setting)
{
    const char *said = getenv(setting->environment);
    if (said == NULL || said[0] == '\0')
        return true;
    if (setting->value == NULL)
        return put_switch(settings, setting, said);
    char *text = own(settings, strdup(said)), *rest = NULL;
    if (text == NULL || !setting->is_list)
        return text != NULL && put(settings, setting, text, setting->environment);
    for (char *word = strtok_r(text, " ,", &rest); word != NULL; word = strtok_r(NULL, " ,", &rest))
        if (!put(settings, setting, word, setting->environment))
            return false;
    return true;
}

// 0 to go on, 1 when help was wanted, -1 when something is wrong.
static int read_options(struct settings *settings, int argc, char **argv)
{
    struct option options[N_SETTINGS + 2] = {{"help", no_argument, NULL, HELP_LETTER}};
    bool is_said[N_SETTINGS] = {false};
    for (int i = 0; i < N_SETTINGS; i++)
        options[i + 1] = (struct option){table[i].name, table[i].value == NULL ? no_argument : required_argument, NULL,
                                         FIRST_LETTER + i};
    optind = 0; // glibc: begin anew
    for (int letter; (letter = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
        if (letter == HELP_LETTER)
            return 1;
        if (letter < FIRST_LETTER ||
            !put(settings, &table[letter - FIRST_LETTER], optarg, table[letter - FIRST_LETTER].name))
            return -1;
        is_said[letter - FIRST_LETTER] = true;
    }
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (!is_said[i] && !put_environment(settings, &table[i]))
            return -1;
    return 0;
}

static bool choose_credentials(struct settings *settings)
{
    const char *home = getenv("HOME");
    if (settings->hook.credentials != NULL)
        return true;
    if (geteuid() != 0 && home == NULL)
        return false;
    char *path = NULL;
    int n = geteuid() == 0 ? asprintf(&path, "/etc/acmezone/hook.json")
                           : asprintf(&path, "%s/.config/acmezone/hook.json", home);
    if (n < 0)
        return false;
    char *slash = strrchr(path, '/');
    *slash = '\0';
    (void)mkdir(path, DIRECTORY_MODE); // what cannot be made cannot be opened either: that will be told
    *slash = '/';
    settings->hook.credentials = own(settings, path);
    return true;
}

static int run(struct settings *settings, const struct form *form)
{
    static const int declined = 1;
    if (form->act == FORM_NOTHING)
        return OUTCOME_DONE;
    if (form->act == FORM_DECLINE)
        return declined;
    if (settings->hook.n_servers == 0) {
        notice("which server? say --server URL, or set ACMEZONE_SERVER");
        return OUTCOME_USAGE;
    }
    if (!choose_credentials(settings)) {
        notice("where are the credentials? say --credentials FILE, or set ACMEZONE_CREDENTIALS");
        return OUTCOME_USAGE;
    }
    if (!settings->has_cname_wait && isatty(STDERR_FILENO))
        settings->hook.cname_wait_s = CNAME_WAIT_AT_TERMINAL_S;
    if (ask_start() != ERR_OK)
        return OUTCOME_BROKEN;
    bool is_rehearsal = form->act == FORM_TEST || (settings->is_rehearsal && form->act == FORM_PUBLISH);
    return (int)(is_rehearsal ? rehearse(&settings->hook, form) : hook_run(&settings->hook, form));
}

int cmd_hook(int argc, char **argv)
{
    static struct form form; // large
    struct settings settings = {.hook = {.deadline_s = DEADLINE_S, .call_s = CALL_S}};
    const char *why;
    int read = read_options(&settings, argc, argv);
    if (read > 0) {
        print_help();
        return 0;
    }
    if (read == 0 && form_read(&form, argc - optind, argv + optind, &why) != ERR_OK) {
        notice("%s", why);
        read = -1;
    }
    if (read < 0)
        fputs("See \"acmezone hook --help\".\n", stderr);
    int status = read < 0 ? (int)OUTCOME_USAGE : run(&settings, &form);
    while (settings.n_owned > 0)
        free(settings.owned[--settings.n_owned]);
    return status;
}

bool cmd_hook_is_called(const char *argv0)
{
    static const char name[] = "acmezone-hook";
    const char *slash = strrchr(argv0, '/');
    return strncmp(slash == NULL ? argv0 : slash + 1, name, sizeof name - 1) == 0;
}

// SPDX-License-Identifier: MIT
// cmd_check: checks each domain, prints, and with --watch looks again until nothing is broken any more.
//
// On a terminal a watch draws over what it drew before, so there is one picture that changes; into a file or pipe, and
// as JSON, a domain is printed again only when something about it has changed.
#include "cmd_check.h"

#include "ask.h"
#include "check_flags.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_UNABLE = 3, INTERVAL_S = 10, MS_PER_S = 1000 };
enum { LETTER_JSON = 256, LETTER_WATCH, LETTER_INTERVAL, LETTER_GIVE_UP };

static const char USAGE[] =
    "Usage: acmezone check [OPTION...] DOMAIN...\n"
    "\n"
    "Follows the chain from the root to the challenges of each DOMAIN (\"*.DOMAIN\" for a wildcard alone) as a\n"
    "certificate authority would, and says what is wrong and how to mend it.\n"
    "\n" CHECK_FLAGS_HELP "  --json                 one JSON object for each domain, a line each\n"
    "  --watch                look again until nothing is broken\n"
    "  --interval SECONDS     how long to wait in between (10)\n"
    "  --give-up SECONDS      end a watch after that time all the same\n"
    "  --help                 print this\n"
    "\n"
    "Exit status: 0 all is well, 1 there are warnings, 2 something is broken, 3 the check could not be made.\n"
    "\n"
    "Steps:\n";

struct look {
    struct check_flags flags;
    bool is_json;
    bool is_watch;
    bool is_terminal;
    unsigned interval_s;
    unsigned give_up_s; // 0: never
    int n_domains;
    char **domains;
    char **before; // what was printed of each domain last, from malloc
};

// The text of one check, from malloc; a null pointer when memory is out.
static char *print_check(const struct check *check, const struct look *look)
{
    if (look->is_json) {
        json_t *object = check_json(check);
        char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
        json_decref(object);
        return line;
    }
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (out == NULL)
        return NULL;
    check_print(check, out, look->is_terminal);
    return fclose(out) == 0 ? text : NULL;
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;
    for (; *text != 0; text++)
        n += *text == '\n';
    return n;
}

// Prints the domain's text unless it stands there already; returns the number of lines.
static unsigned show(struct look *look, int domain, char *text)
{
    bool is_news = look->before[domain] == NULL || strcmp(look->before[domain], text) != 0;
    if (is_news || (look->is_terminal && look->is_watch && !look->is_json))
        printf(look->is_json ? "%s\n" : "%s", text);
    fflush(stdout);
    free(look->before[domain]);
    look->before[domain] = text;
    return count_lines(text);
}

// One round over all domains; the worst exit status.
static int look_once(struct look *look, unsigned *n_lines)
{
    int status = 0;
    for (int i = 0; i < look->n_domains; i++) {
        struct check *check;
        if (check_flags_run(&look->flags, "check", look->domains[i], &check) != ERR_OK)
            return EXIT_UNABLE;
        int one = check_verdict(check) == VERDICT_FAIL ? 2 : check_verdict(check) == VERDICT_WARN ? 1 : 0;
        status = one > status ? one : status;
        char *text = print_check(check, look);
        check_free(check);
        if (text == NULL)
            return EXIT_UNABLE;
        *n_lines += show(look, i, text);
    }
    return status;
}

static void wait_drawing(const struct look *look, unsigned round)
{
    for (unsigned left_s = look->interval_s; left_s > 0; left_s--) {
        if (look->is_terminal && !look->is_json) {
            printf("\r\033[Klooked %u time%s; again in %u s", round, round == 1 ? "" : "s", left_s);
            fflush(stdout);
        }
        poll(NULL, 0, MS_PER_S);
    }
    if (look->is_terminal && !look->is_json)
        fputs("\r\033[K", stdout);
}

static int watch(struct look *look)
{
    int64_t until_ms = ask_now_ms() + (int64_t)look->give_up_s * MS_PER_S;
    for (unsigned round = 1;; round++) {
        unsigned n_lines = 0;
        int status = look_once(look, &n_lines);
        if (status != 2 || (look->give_up_s != 0 && ask_now_ms() >= until_ms))
            return status;
        wait_drawing(look, round);
        if (look->is_terminal && !look->is_json)
            printf("\033[%uA\033[J", n_lines);
    }
}

static int run(struct look *look)
{
    look->before = calloc((size_t)look->n_domains, sizeof *look->before);
    if (look->before == NULL || ask_start() != ERR_OK)
        return EXIT_UNABLE;
    unsigned n_lines = 0;
    int status = look->is_watch ? watch(look) : look_once(look, &n_lines);
    for (int i = 0; i < look->n_domains; i++)
        free(look->before[i]);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("acmezone check: standard output cannot be written\n", stderr);
        return EXIT_UNABLE;
    }
    return status;
}

static bool take_option(struct look *look, int letter)
{
    switch (letter) {
    case LETTER_JSON:
        look->is_json = true;
        return true;
    case LETTER_WATCH:
        look->is_watch = true;
        return true;
    case LETTER_INTERVAL:
        return check_flags_number("check", optarg, &look->interval_s);
    case LETTER_GIVE_UP:
        return check_flags_number("check", optarg, &look->give_up_s);
    default:
        return check_flags_take(&look->flags, "check", letter, optarg);
    }
}

int cmd_check(int argc, char **argv)
{
    static const struct option LONG[] = {CHECK_FLAGS_OPTIONS,
                                         {"json", no_argument, NULL, LETTER_JSON},
                                         {"watch", no_argument, NULL, LETTER_WATCH},
                                         {"interval", required_argument, NULL, LETTER_INTERVAL},
                                         {"give-up", required_argument, NULL, LETTER_GIVE_UP},
                                         {"help", no_argument, NULL, 'h'},
                                         {0}};
    struct look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return EXIT_UNABLE;
    look->interval_s = INTERVAL_S;
    look->is_terminal = isatty(STDOUT_FILENO) == 1;
    int letter, status = 0;
    bool is_sound = true, wants_help = false;
    optind = 0; // glibc: begin anew
    while (is_sound && !wants_help && (letter = getopt_long(argc, argv, "c:h", LONG, NULL)) != -1) {
        wants_help = letter == 'h';
        is_sound = wants_help || take_option(look, letter);
    }
    if (wants_help) {
        fputs(USAGE, stdout);
        check_print_steps(stdout);
    } else if (!is_sound) {
        status = EXIT_UNABLE;
    } else if (optind == argc) {
        fputs("acmezone check: which domain? See \"acmezone check --help\"\n", stderr);
        status = EXIT_UNABLE;
    } else {
        look->n_domains = argc - optind;
        look->domains = argv + optind;
        status = run(look);
    }
    check_flags_free(&look->flags);
    free(look->before);
    free(look);
    return status;
}

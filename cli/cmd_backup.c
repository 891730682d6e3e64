// SPDX-License-Identifier: MIT
// Three commands around storage/image.h. With engine = "etcd" the accounts are etcd's, and so are their backups; what a
// replica keeps is a copy that it can make anew at any time. A copy can be verified all the same.
#include "cmd_backup.h"

#include "cmd_config.h"
#include "image.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, SHOWN_MAX = 20 };

static const char backup_usage[] =
    "Usage: acmezone backup FILE [-c CONFIG]\n"
    "\n"
    "Writes a consistent, compacted and verified copy of the store to FILE (mode 0600), also while a\n"
    "server runs. FILE is replaced at once or not at all.\n"
    "  -c CONFIG  the configuration (default /etc/acme-dns/config.cfg, else ./config.cfg)\n"
    "  --help     print this\n";

static const char restore_usage[] =
    "Usage: acmezone restore FILE [-c CONFIG] [--force]\n"
    "\n"
    "Verifies the backup FILE and puts it in place of the store, at once or not at all. The server must\n"
    "not run.\n"
    "  -c CONFIG  the configuration (default /etc/acme-dns/config.cfg, else ./config.cfg)\n"
    "  --force    replace a store that holds accounts\n"
    "  --help     print this\n";

static const char verify_usage[] =
    "Usage: acmezone verify [FILE | DIRECTORY] [-c CONFIG] [--json]\n"
    "\n"
    "Looks at every record of a backup, or of a store, also while a server runs: whether it decodes, and\n"
    "whether accounts and values fit together. Exit code 0: all is sound.\n"
    "  -c CONFIG  the configuration that names the store (default /etc/acme-dns/config.cfg, else ./config.cfg)\n"
    "  --json     print one JSON object\n"
    "  --help     print this\n";

// What was asked for.
struct wish {
    const char *operand; // a null pointer: none
    const char *config;
    bool is_forced;
    bool is_json;
};

// Returns -1 to go on, or the exit status.
static int parse(int argc, char **argv, const char *usage, struct wish *wish)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int letter;
    optind = 0; // glibc: begin anew
    while ((letter = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        bool is_known = letter == 'c' || letter == 'h' || (letter == 'f' && usage == restore_usage) ||
                        (letter == 'j' && usage == verify_usage);
        if (letter == 'h' || !is_known) {
            fputs(usage, is_known ? stdout : stderr);
            return is_known ? 0 : EXIT_USAGE;
        }
        if (letter == 'c')
            wish->config = optarg;
        wish->is_forced |= letter == 'f';
        wish->is_json |= letter == 'j';
    }
    bool has_operand = optind < argc;
    if (argc - optind > 1 || (!has_operand && usage != verify_usage)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    wish->operand = has_operand ? argv[optind] : NULL;
    return -1;
}

static int refuse(const char *why)
{
    fprintf(stderr, "acmezone: error: %s\n", why);
    return EXIT_REFUSED;
}

static bool is_replica(const struct conf *conf)
{
    return conf->etcd_endpoints.n > 0;
}

static void print_done(const char *what, const char *file, const struct image_report *report)
{
    printf("%s: %s %llu accounts with %llu values, revision %llu\n", file, what, (unsigned long long)report->n_accounts,
           (unsigned long long)report->n_texts, (unsigned long long)report->revision);
}

// --- Backup and restore ---

static enum err copy(const struct wish *wish, const char *store, struct image_report *report, char why[IMAGE_WHY_MAX])
{
    return image_copy(store, wish->operand, report, why);
}

static enum err put_back(const struct wish *wish, const char *store, struct image_report *report,
                         char why[IMAGE_WHY_MAX])
{
    return image_restore(wish->operand, store, wish->is_forced, report, why);
}

static const struct act {
    const char *usage;
    enum err (*run)(const struct wish *wish, const char *store, struct image_report *report, char why[IMAGE_WHY_MAX]);
    const char *done;
    const char *with_etcd; // what to do instead
} backup = {backup_usage, copy, "backed up",
            "engine = \"etcd\": the accounts are in etcd, back it up there (etcdctl snapshot save); or take them along "
            "with \"acmezone export\""},
  restore = {restore_usage, put_back, "restored from here:",
             "engine = \"etcd\": the accounts are in etcd, restore it there (etcdutl snapshot restore); or bring an "
             "export in with \"acmezone import\""};

static int do_act(const struct act *act, int argc, char **argv)
{
    struct wish wish = {0};
    struct conf *conf;
    struct image_report report;
    char why[IMAGE_WHY_MAX];
    int status = parse(argc, argv, act->usage, &wish);
    if (status >= 0)
        return status;
    status = cmd_config_load(&conf, wish.config);
    if (status != 0)
        return status;
    if (is_replica(conf))
        status = refuse(act->with_etcd);
    else if (act->run(&wish, conf->database_connection, &report, why) != ERR_OK)
        status = refuse(why);
    else
        print_done(act->done, wish.operand, &report);
    config_free(conf);
    return status;
}

int cmd_backup(int argc, char **argv)
{
    return do_act(&backup, argc, argv);
}

int cmd_restore(int argc, char **argv)
{
    return do_act(&restore, argc, argv);
}

// --- Verify ---

struct findings {
    json_t *problems; // a null pointer: they are printed
    unsigned n_shown;
};

static void show_problem(void *context, const char *text)
{
    struct findings *findings = context;
    if (findings->problems != NULL)
        json_array_append_new(findings->problems, json_string(text));
    else if (findings->n_shown++ < SHOWN_MAX)
        printf("unsound: %s\n", text);
}

// Takes `problems`.
static void print_json(const char *place, const struct image_report *report, json_t *problems)
{
    json_t *all = json_pack("{s:s, s:b, s:I, s:I, s:I, s:b, s:I, s:o}", "place", place, "sound",
                            (int)(report->n_problems == 0), "accounts", (json_int_t)report->n_accounts, "values",
                            (json_int_t)report->n_texts, "revision", (json_int_t)report->revision, "replica",
                            (int)report->is_copy, "n_problems", (json_int_t)report->n_problems, "problems", problems);
    char *text = json_dumps(all, JSON_COMPACT);
    puts(text == NULL ? "{}" : text);
    free(text);
    json_decref(all);
}

static int verify(const char *place, bool is_json)
{
    char why[IMAGE_WHY_MAX];
    struct image_report report;
    struct findings findings = {.problems = is_json ? json_array() : NULL};
    if (image_verify(place, (struct image_sink){show_problem, &findings}, &report, why) != ERR_OK) {
        json_decref(findings.problems);
        return refuse(why);
    }
    if (is_json)
        print_json(place, &report, findings.problems);
    else if (report.n_problems == 0)
        print_done(report.is_copy ? "all is sound in a replica's copy:" : "all is sound:", place, &report);
    else
        printf("%s: %llu of the records of %llu accounts are unsound\n", place, (unsigned long long)report.n_problems,
               (unsigned long long)report.n_accounts);
    return report.n_problems == 0 ? 0 : EXIT_REFUSED;
}

int cmd_verify(int argc, char **argv)
{
    struct wish wish = {0};
    struct conf *conf;
    int status = parse(argc, argv, verify_usage, &wish);
    if (status >= 0)
        return status;
    if (wish.operand != NULL)
        return verify(wish.operand, wish.is_json);
    status = cmd_config_load(&conf, wish.config);
    if (status != 0)
        return status;
    status = verify(is_replica(conf) ? conf->database_path : conf->database_connection, wish.is_json);
    config_free(conf);
    return status;
}

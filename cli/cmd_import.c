// SPDX-License-Identifier: MIT
// The source is opened first, as who we are: the store may belong to another user, whom opening it makes us. Then the
// store asks for one account after the other. A new config file is made out of the old one's when there is none, so
// that one command moves a server; it is there only when the import has gone well.
#include "cmd_import.h"

#include "cmd_config.h"
#include "guest.h"
#include "import_report.h"
#include "progress.h"
#include "settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_SKIPPED = 3 };

#define NEW_STORE "/var/lib/acmezone"

static const char usage[] =
    "Usage: acmezone import SOURCE [-c CONFIG] [--dry-run] [--json]\n"
    "       acmezone import --from ACME-DNS-CONFIG -c CONFIG [--dry-run] [--json]\n"
    "\n"
    "Brings accounts into the store, with their names, passwords, networks and values; also while acme-dns\n"
    "and acmezone run. Accounts that are there already stay as they are. SOURCE is an SQLite database of\n"
    "acme-dns, postgres://USER:PASSWORD@HOST/DATABASE, or a file that \"acmezone export\" wrote (- for\n"
    "standard input).\n"
    "  --from FILE  take the source from a config file of acme-dns; when there is no CONFIG, it is made out\n"
    "               of FILE, with a store in " NEW_STORE "\n"
    "  -c CONFIG    the configuration (default /etc/acme-dns/config.cfg, else ./config.cfg)\n"
    "  --dry-run    change nothing, only tell\n"
    "  --json       print one JSON object\n"
    "  --help       print this\n"
    "\n"
    "Exit code 0: all accounts are there. 1: nothing was done. 2: bad usage or configuration. 3: some\n"
    "accounts were skipped, the others are there.\n";

struct import {
    // What was asked for.
    const char *where;
    const char *from;
    const char *config;
    bool is_trial;
    bool is_json;

    struct settings *settings; // of --from
    char *new_config;          // made out of them; a null pointer: there is a config file
    size_t n_new_config;
    struct guest guest;
    struct source *source;
    struct source_note note;
    struct entry *entry;
    struct progress progress;
    struct import_report report;
    unsigned n_values; // of one account
    bool has_failed;   // the source has, and note.why says why
};

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "acmezone: error: %s%s%s\n", what, what[0] == 0 ? "" : ": ", why);
    return EXIT_REFUSED;
}

// --- What the store asks for ---

static enum err next(void *context, struct store_entry *out)
{
    struct import *import = context;
    for (;;) {
        enum err err = source_next(import->source, import->entry, &import->note);
        import->has_failed = err != ERR_OK && err != ERR_SYNTAX && err != ERR_NOT_FOUND;
        if (err != ERR_OK && err != ERR_SYNTAX)
            return import->has_failed ? ERR_SYSTEM : ERR_NOT_FOUND;
        import->report.n_read++;
        progress_step(&import->progress);
        char username[UUID_TEXT_SIZE];
        uuid_write(&import->entry->account.username, username);
        enum skip skip = err == ERR_OK ? entry_finish(import->entry, import->n_values, out) : import->note.skip;
        if (skip == SKIP_NONE && import->entry->n_bad_values > 0)
            import_report_skip(&import->report, SKIP_VALUE, username);
        if (skip == SKIP_NONE)
            return ERR_OK;
        import_report_skip(&import->report, skip, err == ERR_OK ? username : import->note.label);
    }
}

static void on_fate(void *context, const struct store_entry *entry, enum import_fate fate)
{
    struct import *import = context;
    char username[UUID_TEXT_SIZE];
    import->report.n_fates[fate]++;
    if (fate != IMPORT_TAKEN)
        return;
    uuid_write(&entry->account.username, username);
    import_report_skip(&import->report, SKIP_TAKEN, username);
}

// --- The configuration ---

// Out of the old config file when there is no new one yet.
static int make_conf(struct import *import, struct conf **conf)
{
    FILE *out = open_memstream(&import->new_config, &import->n_new_config);
    if (out == NULL)
        return refuse("", err_text(ERR_MEMORY));
    settings_write(import->settings, NEW_STORE, out);
    if (fclose(out) != 0)
        return refuse("", err_text(ERR_MEMORY));
    const struct bytes text = {(const uint8_t *)import->new_config, import->n_new_config};
    return cmd_config_load_text(conf, text, import->from);
}

static int load_conf(struct import *import, struct conf **conf)
{
    bool is_new = import->settings != NULL && import->config != NULL && access(import->config, F_OK) != 0;
    return is_new ? make_conf(import, conf) : cmd_config_load(conf, import->config);
}

// Its directory too, if that is all that is missing.
static FILE *create(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL || slash == path ? NULL : strndup(path, (size_t)(slash - path));
    if (directory != NULL)
        mkdir(directory, 0755);
    free(directory);
    return fopen(path, "wxe");
}

static int keep_conf(struct import *import)
{
    if (import->new_config == NULL || import->is_trial)
        return 0;
    FILE *file = create(import->config);
    if (file == NULL)
        return refuse(import->config, strerror(errno));
    bool is_written = fwrite(import->new_config, 1, import->n_new_config, file) == import->n_new_config &&
                      fflush(file) == 0 && fsync(fileno(file)) == 0;
    int saved = errno;
    if (fclose(file) != 0 || !is_written) {
        unlink(import->config);
        return refuse(import->config, strerror(saved));
    }
    fprintf(import->is_json ? stderr : stdout, "%s: made out of %s\n", import->config, import->from);
    return 0;
}

// --- The command ---

// Returns -1 to go on, or the exit status.
static int parse(int argc, char **argv, struct import *import)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"from", required_argument, NULL, 'f'},
        {"dry-run", no_argument, NULL, 'n'},      {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0}};
    int letter;
    optind = 0; // glibc: begin anew
    while ((letter = getopt_long(argc, argv, "c:hn", options, NULL)) != -1) {
        if (letter == 'h' || letter == '?') {
            fputs(usage, letter == 'h' ? stdout : stderr);
            return letter == 'h' ? 0 : EXIT_USAGE;
        }
        if (letter == 'c')
            import->config = optarg;
        if (letter == 'f')
            import->from = optarg;
        import->is_trial |= letter == 'n';
        import->is_json |= letter == 'j';
    }
    // Either a source or the config file that names it.
    if (argc - optind != (import->from == NULL ? 1 : 0)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    import->where = import->from == NULL ? argv[optind] : NULL;
    return -1;
}

// For messages: a connection string holds a password.
static const char *show_source(const struct import *import)
{
    bool is_string = strchr(import->where, '=') != NULL || strstr(import->where, "://") != NULL;
    return is_string ? "PostgreSQL" : import->where;
}

static int open_source(struct import *import)
{
    if (import->from != NULL) {
        if (settings_read(&import->settings, import->from, &import->note) != ERR_OK)
            return refuse("", import->note.why);
        import->where = settings_source(import->settings);
    }
    if (source_open(&import->source, import->where, &import->note) == ERR_OK)
        return 0;
    return refuse(show_source(import), import->note.why);
}

// A dry run does not make a store.
static enum err count_all(struct import *import)
{
    struct store_entry entry;
    enum err err;
    while ((err = next(import, &entry)) == ERR_OK)
        on_fate(import, &entry, IMPORT_NEW);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int run(struct import *import, const struct conf *conf)
{
    const struct import_title title = {.source = source_name(import->source),
                                       .zone = conf->general_domain.at[0],
                                       .store = conf->database_connection,
                                       .is_trial = import->is_trial};
    const struct store_import wanted = {
        .next = next, .on_fate = on_fate, .context = import, .is_trial = import->is_trial};
    import->n_values = (unsigned)conf->general_txt_values;
    import->progress = progress_begin(source_n_accounts(import->source));
    enum err err = import->guest.store == NULL ? count_all(import) : store_import(import->guest.store, &wanted);
    progress_end(&import->progress);
    if (err != ERR_OK) {
        refuse(import->has_failed ? show_source(import) : "the store",
               import->has_failed ? import->note.why : err_text(err));
        fputs(conf->etcd_endpoints.n > 0 ? "acmezone: what was taken over so far stays; import again for the rest\n"
                                         : "acmezone: nothing was changed\n",
              stderr);
        return EXIT_REFUSED;
    }
    (import->is_json ? import_report_print_json : import_report_print)(&import->report, &title);
    int status = keep_conf(import);
    return status == 0 && import_report_n_skipped(&import->report) > 0 ? EXIT_SKIPPED : status;
}

static bool has_store(const struct conf *conf)
{
    char data[4200];
    snprintf(data, sizeof data, "%s/data.mdb", conf->database_connection);
    return conf->etcd_endpoints.n > 0 || access(data, F_OK) == 0;
}

static int open_and_run(struct import *import)
{
    struct conf *conf;
    int status = load_conf(import, &conf);
    if (status != 0)
        return status;
    if (import->is_trial && !has_store(conf)) {
        status = run(import, conf);
        config_free(conf);
        return status;
    }
    status = guest_open_conf(&import->guest, conf);
    if (status != 0)
        return status;
    status = run(import, conf);
    guest_close(&import->guest);
    return status;
}

int cmd_import(int argc, char **argv)
{
    struct import import = {.report = import_report_new(), .entry = malloc(sizeof *import.entry)};
    int status = parse(argc, argv, &import);
    if (status < 0 && import.entry == NULL)
        status = refuse("", err_text(ERR_MEMORY));
    if (status < 0) {
        status = open_source(&import);
        if (status == 0)
            status = open_and_run(&import);
    }
    free(import.new_config);
    source_close(import.source);
    settings_free(import.settings);
    import_report_free(&import.report);
    free(import.entry);
    return status;
}

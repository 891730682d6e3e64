// SPDX-License-Identifier: MIT
// Accounts come in the order of their usernames, each is one line with its keys in a fixed order, and nothing tells
// where or when the export was made: two stores with the same accounts give the same bytes.
#include "cmd_export.h"

#include "acmedns_file.h"
#include "guest.h"
#include "line.h"
#include "newfile.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_CHANGED = 3, SHOWN_MAX = 5 };

static const char usage[] =
    "Usage: acmezone export [FILE] [-c CONFIG]\n"
    "       acmezone export --acme-dns FILE [-c CONFIG]\n"
    "\n"
    "Writes all accounts with their password hashes and values as lines of JSON, sorted, to FILE (mode\n"
    "0600) or to standard output; also while a server runs. \"acmezone import\" reads it.\n"
    "  --acme-dns FILE  write an SQLite database of acme-dns instead. Passwords whose hash acmezone has\n"
    "                   made or renewed (argon2id) do not work there; it is told which\n"
    "  -c CONFIG        the configuration (default /etc/acme-dns/config.cfg, else ./config.cfg)\n"
    "  --help           print this\n"
    "\n"
    "Exit code 0: done. 1: not done. 2: bad usage or configuration. 3: done, but some accounts are missing\n"
    "in it or do not work there.\n";

struct export
{
    const char *config;
    const char *path;    // a null pointer: standard output
    const char *acmedns; // a null pointer: lines
    struct guest guest;
    struct progress progress;
    struct source_note note;

    struct newfile file; // of lines, with a path
    FILE *lines;
    struct acmedns_file *database;

    uint64_t n_written;
    uint64_t n_unsound;  // do not decode
    uint64_t n_argon2id; // in a database of acme-dns
    uint64_t n_disabled; // not in a database of acme-dns
    enum err err;        // why the walk ended early
};

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "acmezone: error: %s%s%s\n", what, what[0] == 0 ? "" : ": ", why);
    return EXIT_REFUSED;
}

// --- Lines ---

static enum err open_lines(struct export *export)
{
    if (export->path == NULL) {
        export->lines = stdout;
        return ERR_OK;
    }
    enum err err = newfile_begin(&export->file, export->path);
    if (err != ERR_OK)
        return err;
    int fd = fcntl(export->file.fd, F_DUPFD_CLOEXEC, 0);
    export->lines = fd < 0 ? NULL : fdopen(fd, "w");
    if (export->lines != NULL)
        return ERR_OK;
    if (fd >= 0)
        close(fd);
    (void)!newfile_end(&export->file, false);
    return ERR_SYSTEM;
}

// Takes the text.
static enum err put_line(struct export *export, char *text)
{
    if (text == NULL)
        return ERR_MEMORY;
    bool is_put = fputs(text, export->lines) >= 0;
    free(text);
    return is_put ? ERR_OK : ERR_SYSTEM;
}

// Gives the file its name, or leaves nothing of it.
static enum err close_lines(struct export *export, enum err err)
{
    if (err == ERR_OK && (fflush(export->lines) != 0 || ferror(export->lines)))
        err = ERR_SYSTEM;
    if (export->path == NULL)
        return err;
    if (fclose(export->lines) != 0 && err == ERR_OK)
        err = ERR_SYSTEM;
    enum err ended = newfile_end(&export->file, err == ERR_OK);
    return err == ERR_OK ? ended : err;
}

// --- Accounts ---

static void tell(uint64_t n, const struct store_entry *entry, const char *what)
{
    char username[UUID_TEXT_SIZE];
    uuid_write(&entry->account.username, username);
    if (n <= SHOWN_MAX)
        fprintf(stderr, "acmezone: warning: account %s: %s\n", username, what);
}

static enum err put_acmedns(struct export *export, const struct store_entry *entry)
{
    if (entry->account.is_disabled) {
        tell(++export->n_disabled, entry, "it is disabled, which acme-dns does not know: it is left out");
        return ERR_OK;
    }
    if (!entry_is_bcrypt(entry->account.hash))
        tell(++export->n_argon2id, entry, "its password does not work at acme-dns; its name goes on to be answered");
    export->n_written++;
    return acmedns_file_add(export->database, entry, &export->note);
}

static bool on_entry(void *context, const struct store_entry *entry)
{
    struct export *export = context;
    progress_step(&export->progress);
    if (entry->err != ERR_OK) {
        tell(++export->n_unsound, entry, "its records are unsound, it is left out; see \"acmezone verify\"");
        return true;
    }
    if (export->database != NULL) {
        export->err = put_acmedns(export, entry);
    } else {
        export->err = put_line(export, line_write(entry));
        export->n_written++;
    }
    return export->err == ERR_OK;
}

static enum err write_all(struct export *export)
{
    uint64_t n_accounts = 0;
    enum err err = store_begin(export->guest.reader);
    if (err != ERR_OK)
        return err;
    err = store_count(export->guest.reader, &n_accounts);
    export->progress = progress_begin(n_accounts);
    if (err == ERR_OK && export->lines != NULL)
        err = put_line(export, line_write_head());
    if (err == ERR_OK)
        err = store_each(export->guest.reader, on_entry, export);
    if (err == ERR_OK)
        err = export->err;
    if (err == ERR_OK && export->lines != NULL)
        err = put_line(export, line_write_end(export->n_written));
    progress_end(&export->progress);
    store_end(export->guest.reader);
    return err;
}

static enum err write_lines(struct export *export)
{
    enum err err = open_lines(export);
    if (err == ERR_OK)
        err = close_lines(export, write_all(export));
    if (err != ERR_OK)
        (void)snprintf(export->note.why, sizeof export->note.why, "%s",
                       err == ERR_SYSTEM ? strerror(errno) : err_text(err));
    return err;
}

static enum err write_database(struct export *export)
{
    enum err err = acmedns_file_open(&export->database, export->acmedns, &export->note);
    if (err != ERR_OK)
        return err;
    snprintf(export->note.why, sizeof export->note.why, "%s", err_text(ERR_STORE));
    err = write_all(export);
    enum err closed = acmedns_file_close(export->database, err == ERR_OK, &export->note);
    return err == ERR_OK ? closed : err;
}

// --- The command ---

// Returns -1 to go on, or the exit status.
static int parse(int argc, char **argv, struct export *export)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"acme-dns", required_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int letter;
    optind = 0; // glibc: begin anew
    while ((letter = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (letter == 'h' || letter == '?') {
            fputs(usage, letter == 'h' ? stdout : stderr);
            return letter == 'h' ? 0 : EXIT_USAGE;
        }
        if (letter == 'c')
            export->config = optarg;
        else
            export->acmedns = optarg;
    }
    if (argc - optind > (export->acmedns == NULL ? 1 : 0)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (optind < argc && strcmp(argv[optind], "-") != 0)
        export->path = argv[optind];
    return -1;
}

static int finish(const struct export *export)
{
    const char *file = export->acmedns != NULL ? export->acmedns : export->path;
    if (file != NULL)
        printf("%s: %llu accounts exported\n", file, (unsigned long long)export->n_written);
    if (export->n_argon2id > 0)
        fprintf(stderr,
                "acmezone: warning: the passwords of %llu accounts have argon2id hashes, which acme-dns cannot verify: "
                "their names are answered there, their updates refused\n",
                (unsigned long long)export->n_argon2id);
    if (export->n_disabled > 0)
        fprintf(stderr, "acmezone: warning: %llu disabled accounts were left out\n",
                (unsigned long long)export->n_disabled);
    if (export->n_unsound > 0)
        fprintf(stderr, "acmezone: warning: %llu accounts were left out, their records are unsound\n",
                (unsigned long long)export->n_unsound);
    return export->n_argon2id + export->n_disabled + export->n_unsound > 0 ? EXIT_CHANGED : 0;
}

int cmd_export(int argc, char **argv)
{
    struct export export = {0};
    int status = parse(argc, argv, &export);
    if (status < 0)
        status = guest_open(&export.guest, export.config);
    else
        return status;
    if (status != 0)
        return status;
    enum err err = export.acmedns != NULL ? write_database(&export) : write_lines(&export);
    guest_close(&export.guest);
    if (err != ERR_OK)
        return refuse(export.acmedns == NULL && export.path != NULL ? export.path : "export", export.note.why);
    return finish(&export);
}

// SPDX-License-Identifier: MIT
// cmd_config: prints the options, or says whether a file is sound.
//
// What it prints comes from the same table that reads the file, so it cannot be out of date.
#include "cmd_config.h"

#include "zone.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum { EXIT_REFUSED = 1, EXIT_UNSOUND = 2, EXIT_USAGE = 2 };

static const char USAGE[] = "Usage: acmezone config [--sample | --markdown | --schema | --check [-c FILE]]\n"
                            "\n"
                            "Without an option, prints every option of the configuration.\n"
                            "  --sample    print a configuration file with every option and its default\n"
                            "  --markdown  print the options as Markdown tables\n"
                            "  --schema    print the options as a JSON Schema\n"
                            "  --check     read FILE (or /etc/acme-dns/config.cfg, else ./config.cfg) and the\n"
                            "              environment, and say whether they are sound\n"
                            "  -c FILE     the file to check\n"
                            "  --help      print this\n";

static int status_of(enum err err)
{
    return err == ERR_OK ? 0 : err == ERR_SYNTAX ? EXIT_UNSOUND : EXIT_REFUSED;
}

static void print_told(void *, bool is_error, const char *text)
{
    fprintf(stderr, "acmezone: %s: %s\n", is_error ? "error" : "warning", text);
}

int cmd_config_load(struct conf **conf, const char *file)
{
    enum err err = config_load(conf, file, (struct config_sink){.on_text = print_told});
    return status_of(err);
}

int cmd_config_load_text(struct conf **conf, struct bytes text, const char *name)
{
    return status_of(config_load_text(conf, text, name, (struct config_sink){.on_text = print_told}));
}

// Makes the zones too, for the static records; their errors go through a log, which tells them on standard error.
static enum err check_records(const struct conf *conf)
{
    struct log *log;
    enum err err = log_open(&log, &(struct log_options){.level = LOG_WARN});
    if (err != ERR_OK)
        return err;
    struct zones *zones;
    err = zones_new(&zones, conf, log);
    if (err == ERR_OK)
        zones_drop(zones);
    log_close(log);
    return err;
}

static int check(const char *file)
{
    struct conf *conf;
    int status = cmd_config_load(&conf, file);
    if (status != 0)
        return status;
    enum err err = check_records(conf);
    if (err == ERR_OK)
        printf("%s: the configuration is sound\n", conf->file);
    config_free(conf);
    return status_of(err);
}

static int refuse_usage(void)
{
    fputs("acmezone config: see \"acmezone config --help\"\n", stderr);
    return EXIT_USAGE;
}

// A full disk or a closed pipe behind standard output is a failure too.
static int print(void (*print_table)(FILE *))
{
    print_table(stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "acmezone: error: standard output: %s\n", strerror(errno));
    return 1;
}

int cmd_config(int argc, char **argv)
{
    enum { LIST = 256, SAMPLE, MARKDOWN, SCHEMA, CHECK };
    static const struct option LONG[] = {{"sample", no_argument, NULL, SAMPLE},
                                         {"markdown", no_argument, NULL, MARKDOWN},
                                         {"schema", no_argument, NULL, SCHEMA},
                                         {"check", no_argument, NULL, CHECK},
                                         {"config", required_argument, NULL, 'c'},
                                         {"help", no_argument, NULL, 'h'},
                                         {0}};
    static void (*const PRINTS[])(FILE *) = {config_print_options, config_print_sample, config_print_markdown,
                                             config_print_schema};
    const char *file = NULL;
    int wanted = LIST, letter;
    optind = 0; // glibc: begin anew
    while ((letter = getopt_long(argc, argv, "c:h", LONG, NULL)) != -1) {
        if (letter == 'h') {
            fputs(USAGE, stdout);
            return 0;
        }
        if (letter == '?' || (letter != 'c' && wanted != LIST))
            return refuse_usage();
        if (letter == 'c')
            file = optarg;
        else
            wanted = letter;
    }
    if (optind != argc || (file != NULL && wanted != CHECK))
        return refuse_usage();
    return wanted == CHECK ? check(file) : print(PRINTS[wanted - LIST]);
}

// SPDX-License-Identifier: MIT
// cmd_watch: reads the command line, then looks at everything in turn, again and again.
//
// A line is printed for everything at its first look, and whenever its state changes. A signal ends the watch after the
// look under way, so the state file says what was done.
#include "cmd_watch.h"

#include "ask.h"
#include "check_flags.h"
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { EXIT_UNABLE = 3, INTERVAL_S = 900, TIMEOUT_MS = 10000, MS_PER_S = 1000, SERVERS_MAX = 16, FILES_MAX = 16 };
enum { DAYS_MAX = sizeof((struct standing_rules *)0)->days / sizeof((struct standing_rules *)0)->days[0] };
enum {
    LETTER_ONCE = 256,
    LETTER_INTERVAL,
    LETTER_STATE,
    LETTER_METRICS,
    LETTER_EXEC,
    LETTER_POST,
    LETTER_POST_AS,
    LETTER_KEY_FILE,
    LETTER_DAYS,
    LETTER_CONFIRM,
    LETTER_PROBE,
    LETTER_SERVER,
    LETTER_JSON,
};

static const char USAGE[] =
    "Usage: acmezone watch [OPTION...] FILE|DOMAIN...\n"
    "\n"
    "Looks at the certificate and the delegation of each domain, again and again, and tells somebody before a\n"
    "certificate ends or can no longer be renewed. A FILE (a word with a '/') lists domains, one a line:\n"
    "\n"
    "  example.com                                          the certificate is served at example.com:443\n"
    "  *.example.org  /etc/ssl/example.org/fullchain.pem    it is in a file\n"
    "  example.net    mail.example.net:465  SUB.auth.example.org   elsewhere; and where the CNAME has to lead\n"
    "  example.edu    -                                     only the delegation is watched\n"
    "\n"
    "States: pending, verified, issuing, live, expiring, broken.\n"
    "\n"
    "  --once                 look once; exit status 0 all is well, 1 something is pending, issuing or expiring,\n"
    "                         2 something is broken, 3 the watch could not be made\n"
    "  --interval SECONDS     from the end of one round to the next (900)\n"
    "  --state FILE           where states are kept (acmezone-watch.json)\n"
    "  --metrics FILE         write metrics for Prometheus there (node_exporter's textfile collector)\n"
    "  --alert-days LIST      tell when so many days are left (30,14,7,2); the largest begins \"expiring\"\n"
    "  --confirm N            bad looks in a row before what was in order is called broken (2)\n"
    "  --exec COMMAND         tell by running a shell command: JSON on its input, ACMEZONE_EVENT, _DOMAIN, _STATE,\n"
    "                         _REASON and _DAYS in its environment\n"
    "  --post URL             tell by posting JSON there\n"
    "  --post-as SHAPE        plain, slack or pagerduty (plain)\n"
    "  --pagerduty-key-file FILE  the routing key\n"
    "  --probe FILE           make a small harmless update with each account of a credentials file\n"
    "  --server URL           where accounts without a server_url are probed; repeatable\n"
    "  --json                 a JSON object for each line\n" CHECK_FLAGS_HELP "  --help                 print this\n";

struct job {
    struct check_flags flags;
    struct watch_options options;
    struct probes probes;
    const char *probe_file;
    const char *servers[SERVERS_MAX];
    size_t n_servers;
    unsigned interval_s;
    bool is_once, is_json;
    char key[128];
};

static volatile sig_atomic_t has_signal;

static void on_signal(int)
{
    has_signal = 1;
}

static bool take_days(struct standing_rules *rules, const char *text)
{
    rules->n_days = 0;
    for (const char *at = text; *at != 0;) {
        char *end;
        unsigned long days = strtoul(at, &end, 10);
        bool is_sound = *at >= '0' && *at <= '9' && (*end == ',' || *end == 0) && days > 0 && days < 10000 &&
                        rules->n_days < DAYS_MAX && (rules->n_days == 0 || days < rules->days[rules->n_days - 1]);
        if (!is_sound)
            break;
        rules->days[rules->n_days++] = (unsigned)days;
        if (*end == 0)
            return true;
        at = end + 1;
    }
    fprintf(stderr, "acmezone watch: \"%s\" is not a list of days, the largest first, such as 30,14,7,2\n", text);
    return false;
}

static bool take_key(struct job *job, const char *file)
{
    FILE *in = fopen(file, "re");
    bool is_read = in != NULL && fgets(job->key, sizeof job->key, in) != NULL;
    if (!is_read)
        fprintf(stderr, "acmezone watch: %s: %s\n", file, in == NULL ? strerror(errno) : "is empty");
    if (in != NULL)
        fclose(in);
    job->key[strcspn(job->key, " \t\r\n")] = 0;
    job->options.alert.key = job->key;
    return is_read;
}

static bool take_server(struct job *job, const char *url)
{
    if (job->n_servers == SERVERS_MAX || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)) {
        fprintf(stderr, "acmezone watch: \"%s\" is no http or https URL, or one too many\n", url);
        return false;
    }
    job->servers[job->n_servers++] = url;
    return true;
}

static bool take_shape(struct job *job, const char *text)
{
    if (alert_shape_parse(text, &job->options.alert.shape))
        return true;
    fprintf(stderr, "acmezone watch: \"%s\" is neither plain, slack nor pagerduty\n", text);
    return false;
}

static bool take_option(struct job *job, int letter)
{
    switch (letter) {
    case LETTER_ONCE:
        job->is_once = true;
        return true;
    case LETTER_JSON:
        job->is_json = true;
        return true;
    case LETTER_INTERVAL:
        return check_flags_number("watch", optarg, &job->interval_s);
    case LETTER_CONFIRM:
        return check_flags_number("watch", optarg, &job->options.rules.n_confirm);
    case LETTER_DAYS:
        return take_days(&job->options.rules, optarg);
    case LETTER_STATE:
        job->options.state_file = optarg;
        return true;
    case LETTER_METRICS:
        job->options.metrics_file = optarg;
        return true;
    case LETTER_EXEC:
        job->options.alert.command = optarg;
        return true;
    case LETTER_POST:
        job->options.alert.url = optarg;
        return true;
    case LETTER_POST_AS:
        return take_shape(job, optarg);
    case LETTER_KEY_FILE:
        return take_key(job, optarg);
    case LETTER_PROBE:
        job->probe_file = optarg;
        return true;
    case LETTER_SERVER:
        return take_server(job, optarg);
    default:
        return check_flags_take(&job->flags, "watch", letter, optarg);
    }
}

static void print_subject(const struct job *job, const struct subject *subject)
{
    const struct standing *standing = &subject->standing;
    char when[32];
    struct tm tm;
    time_t now = time(NULL);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    if (!job->is_json) {
        printf("%s %s %s: %s\n", when, subject->name, standing_word(standing->state), standing->reason);
    } else {
        json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "time", when, "domain", subject->name, "state",
                                   standing_word(standing->state), "reason", standing->reason, "since",
                                   (json_int_t)standing->since_s, "not_after", (json_int_t)standing->not_after_s);
        char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
        printf("%s\n", line == NULL ? "{}" : line);
        free(line);
        json_decref(object);
    }
    fflush(stdout);
}

static int status_of(const struct subject *subject)
{
    static const int STATUSES[N_STANDINGS] = {
        [STANDING_PENDING] = 1, [STANDING_ISSUING] = 1, [STANDING_EXPIRING] = 1, [STANDING_BROKEN] = 2};
    return STATUSES[subject->standing.state];
}

static int look_round(const struct job *job, struct watch *watch, bool is_first)
{
    int status = 0;
    for (size_t i = 0; i < watch_n(watch) && !has_signal; i++) {
        bool has_changed = watch_look(watch, i);
        const struct subject *subject = watch_subject(watch, i);
        if (has_changed || is_first)
            print_subject(job, subject);
        status = status_of(subject) > status ? status_of(subject) : status;
    }
    return status;
}

static int look_for_ever(const struct job *job, struct watch *watch)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    for (bool is_first = true; !has_signal; is_first = false) {
        look_round(job, watch, is_first);
        for (unsigned waited_s = 0; waited_s < job->interval_s && !has_signal; waited_s++)
            poll(NULL, 0, MS_PER_S);
    }
    return 0;
}

static enum err add_word(struct watch *watch, const char *word)
{
    if (strchr(word, '/') != NULL)
        return watch_add_file(watch, word);
    enum err err = watch_add(watch, word, NULL, NULL);
    if (err == ERR_EXISTS)
        return ERR_OK;
    if (err != ERR_OK)
        fprintf(stderr, "acmezone watch: \"%s\" is not a domain name; a file is written with a '/', as ./%s\n", word,
                word);
    return err;
}

static int run(struct job *job, int n_words, char **words)
{
    job->options.check = job->flags.options;
    job->options.alert.ca_file = job->flags.options.ca_file;
    enum err err = ask_start();
    if (err == ERR_OK && job->probe_file != NULL)
        err = probes_read(&job->probes, job->probe_file, job->servers, job->n_servers);
    struct watch *watch = NULL;
    if (err == ERR_OK)
        err = watch_open(&watch, &job->options);
    for (int i = 0; i < n_words && err == ERR_OK; i++)
        err = add_word(watch, words[i]);
    if (err == ERR_OK)
        err = watch_add_probes(watch, &job->probes);
    int status = EXIT_UNABLE;
    if (err == ERR_OK && watch_n(watch) == 0)
        fputs("acmezone watch: there is nothing to watch\n", stderr);
    else if (err == ERR_OK)
        status = job->is_once ? look_round(job, watch, true) : look_for_ever(job, watch);
    if (watch != NULL)
        watch_close(watch);
    probes_free(&job->probes);
    return status;
}

int cmd_watch(int argc, char **argv)
{
    static const struct option LONG[] = {CHECK_FLAGS_OPTIONS,
                                         {"once", no_argument, NULL, LETTER_ONCE},
                                         {"interval", required_argument, NULL, LETTER_INTERVAL},
                                         {"state", required_argument, NULL, LETTER_STATE},
                                         {"metrics", required_argument, NULL, LETTER_METRICS},
                                         {"exec", required_argument, NULL, LETTER_EXEC},
                                         {"post", required_argument, NULL, LETTER_POST},
                                         {"post-as", required_argument, NULL, LETTER_POST_AS},
                                         {"pagerduty-key-file", required_argument, NULL, LETTER_KEY_FILE},
                                         {"alert-days", required_argument, NULL, LETTER_DAYS},
                                         {"confirm", required_argument, NULL, LETTER_CONFIRM},
                                         {"probe", required_argument, NULL, LETTER_PROBE},
                                         {"server", required_argument, NULL, LETTER_SERVER},
                                         {"json", no_argument, NULL, LETTER_JSON},
                                         {"help", no_argument, NULL, 'h'},
                                         {0}};
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return EXIT_UNABLE;
    job->interval_s = INTERVAL_S;
    job->options = (struct watch_options){.state_file = "acmezone-watch.json",
                                          .timeout_ms = TIMEOUT_MS,
                                          .alert.timeout_ms = TIMEOUT_MS,
                                          .rules = {.n_days = 4, .days = {30, 14, 7, 2}, .n_confirm = 2}};
    int letter, status = EXIT_UNABLE;
    bool is_sound = true, wants_help = false;
    optind = 0; // glibc: begin anew
    while (is_sound && !wants_help && (letter = getopt_long(argc, argv, "c:h", LONG, NULL)) != -1) {
        wants_help = letter == 'h';
        is_sound = wants_help || take_option(job, letter);
    }
    if (wants_help)
        status = fputs(USAGE, stdout) < 0;
    else if (is_sound && optind == argc && job->probe_file == NULL)
        fputs("acmezone watch: watch what? See \"acmezone watch --help\"\n", stderr);
    else if (is_sound)
        status = run(job, argc - optind, argv + optind);
    check_flags_free(&job->flags);
    free(job);
    return status;
}

// SPDX-License-Identifier: MIT
// alert: the command runs in a process group of its own, with its input in a file without a name, so that it may take
// its time to read, or not read at all; after the time-out the group is killed.
#include "alert.h"

#include "webcall.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HTTP_OK = 200, HTTP_OTHERS = 300, POLL_MS = 20 };

bool alert_shape_parse(const char *text, enum alert_shape *shape)
{
    static const char *const WORDS[] = {"plain", "slack", "pagerduty"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(text, WORDS[i]) == 0) {
            *shape = (enum alert_shape)i;
            return true;
        }
    }
    return false;
}

static const char *event_of(const struct alert *alert)
{
    return alert->key[0] == 0 ? "recovered" : standing_word(alert->standing->state);
}

static json_t *plain_json(const struct alert *alert)
{
    const struct standing *standing = alert->standing;
    json_t *end = standing->not_after_s == 0 ? json_null() : json_integer(standing->not_after_s);
    json_t *days = standing->not_after_s == 0 ? json_null() : json_integer(standing_days(standing, alert->now_s));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "event", event_of(alert), "domain", alert->domain,
                     "state", standing_word(standing->state), "before", standing->alerted, "reason", standing->reason,
                     "since", (json_int_t)standing->since_s, "not_after", end, "days_left", days);
}

static json_t *shaped_json(const struct alert *alert, const struct alert_options *options)
{
    char text[STANDING_REASON_MAX + 400], key[300];
    const char *event = event_of(alert);
    snprintf(text, sizeof text, "%.253s: %s: %s", alert->domain, event, alert->standing->reason);
    snprintf(key, sizeof key, "acmezone/%.253s", alert->domain);
    if (options->shape == ALERT_SLACK)
        return json_pack("{s:s}", "text", text);
    if (options->shape == ALERT_PLAIN)
        return plain_json(alert);
    bool is_over = alert->key[0] == 0, is_broken = alert->standing->state == STANDING_BROKEN;
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:o}}", "routing_key",
                     options->key == NULL ? "" : options->key, "event_action", is_over ? "resolve" : "trigger",
                     "dedup_key", key, "payload", "summary", text, "source", alert->domain, "severity",
                     is_broken ? "critical"
                     : is_over ? "info"
                               : "warning",
                     "component", "acmezone", "custom_details", plain_json(alert));
}

static char *dump(json_t *object)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

// -- A command

static void set_environment(const struct alert *alert)
{
    char days[32] = "";
    if (alert->standing->not_after_s != 0)
        snprintf(days, sizeof days, "%lld", (long long)standing_days(alert->standing, alert->now_s));
    setenv("ACMEZONE_EVENT", event_of(alert), 1);
    setenv("ACMEZONE_DOMAIN", alert->domain, 1);
    setenv("ACMEZONE_STATE", standing_word(alert->standing->state), 1);
    setenv("ACMEZONE_REASON", alert->standing->reason, 1);
    setenv("ACMEZONE_DAYS", days, 1);
}

static _Noreturn void run_child(const struct alert *alert, const struct alert_options *options, int input)
{
    setpgid(0, 0);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    set_environment(alert);
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        execl("/bin/sh", "sh", "-c", options->command, (char *)NULL);
    _exit(127);
}

// Whether the child ended with 0 in time.
static bool await_child(pid_t child, unsigned timeout_ms)
{
    int status = 0;
    for (unsigned waited_ms = 0; waited_ms <= timeout_ms; waited_ms += POLL_MS) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (ended < 0 && errno != EINTR)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    kill(-child, SIGKILL);
    waitpid(child, &status, 0);
    return false;
}

static enum err run_command(const struct alert *alert, const struct alert_options *options)
{
    char *text = dump(plain_json(alert));
    if (text == NULL)
        return ERR_MEMORY;
    int input = memfd_create("alert", MFD_CLOEXEC);
    bool is_ready =
        input >= 0 && write(input, text, strlen(text)) == (ssize_t)strlen(text) && lseek(input, 0, SEEK_SET) == 0;
    free(text);
    pid_t child = is_ready ? fork() : -1;
    if (child == 0)
        run_child(alert, options, input);
    bool is_told = child > 0 && await_child(child, options->timeout_ms);
    if (input >= 0)
        close(input);
    if (is_told)
        return ERR_OK;
    fprintf(stderr, "acmezone watch: the alert command failed or took too long, about %s\n", alert->domain);
    return ERR_SYSTEM;
}

// -- A POST

static enum err post(const struct alert *alert, const struct alert_options *options)
{
    char *body = dump(shaped_json(alert, options));
    if (body == NULL)
        return ERR_MEMORY;
    struct webcall_answer answer;
    enum err err = webcall(
        &(struct webcall){
            .url = options->url, .body = body, .ca_file = options->ca_file, .timeout_ms = options->timeout_ms},
        &answer);
    free(body);
    if (err == ERR_OK && answer.status >= HTTP_OK && answer.status < HTTP_OTHERS)
        return ERR_OK;
    fprintf(stderr, "acmezone watch: the alert about %s was not taken: status %ld %s\n", alert->domain, answer.status,
            answer.text);
    return err == ERR_OK ? ERR_UNREACHABLE : err;
}

enum err alert_send(const struct alert *alert, const struct alert_options *options)
{
    enum err by_command = options->command == NULL ? ERR_OK : run_command(alert, options);
    enum err by_post = options->url == NULL ? ERR_OK : post(alert, options);
    return by_command != ERR_OK ? by_command : by_post;
}

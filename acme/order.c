// SPDX-License-Identifier: MIT
// uacme is run once or twice for an order. "issue" gets the certificate. "new" makes the account before that, when
// there is no key yet, or when the last order failed, perhaps because the authority has forgotten the account; if it
// knows it after all, "new" fails, which says nothing.
//
// uacme is the leader of a session of its own, so that what it runs ends with it when the order takes too long. It
// writes only when something is wrong; each line goes to the server, and the last one is the reason of the failure.
#include "order.h"

#include "agent.h"
#include "bundle.h"
#include "callback.h"
#include "shelf.h"
#include "trust.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum {
    LINE_MAX_CHARS = 400,
    ARGUMENTS_MAX = 64,
    TRUST_FD = CALLBACK_FD + 1,
    N_STDIO = TRUST_FD + 1,
    HOOK_PATH_MAX = 4096
};

enum step { STEP_NONE, STEP_NEW, STEP_ISSUE };

struct order {
    const struct conf *conf;
    struct shelf shelf;
    int order_fd;
    int hook_fd;
    int trust_fd; // -1: the system's authorities
    char hook[HOOK_PATH_MAX];
    char **environment;
    uv_loop_t loop;
    uv_poll_t poll;
    uv_timer_t deadline;
    uv_process_t process;
    uv_pipe_t output;
    enum step step;
    bool has_failed; // the last order
    bool is_late;
    int status;         // of the client's exit
    unsigned n_closing; // handles of the run
    size_t n_line;
    char line[LINE_MAX_CHARS + 1]; // what came of the line so far
    char last[LINE_MAX_CHARS + 1]; // the last whole one
};

// -- To the server

static void say(const struct order *order, const char *what, struct bytes text)
{
    uint8_t message[AGENT_MESSAGE_BYTES];
    struct writer w = writer_of(message, sizeof message);
    put_bytes(&w, what, strlen(what));
    put_u8(&w, '\n');
    put_bytes(&w, text.at, text.n);
    if (!w.is_bad)
        (void)!send(order->order_fd, message, writer_used(&w), MSG_NOSIGNAL);
}

static void fail(struct order *order, const char *reason)
{
    order->step = STEP_NONE;
    order->has_failed = true;
    uv_timer_stop(&order->deadline);
    shelf_clear(&order->shelf);
    say(order, "failed", bytes_of_text(reason));
}

static void say_account(const struct order *order)
{
    uint8_t space[BUNDLE_MAX_BYTES];
    struct writer key = writer_of(space, sizeof space);
    if (shelf_read_account(&order->shelf, &key) == ERR_OK)
        say(order, "account", (struct bytes){key.start, writer_used(&key)});
}

static void succeed(struct order *order)
{
    uint8_t space[BUNDLE_MAX_BYTES];
    struct writer bundle = writer_of(space, sizeof space);
    enum err err = shelf_put(&order->shelf, &bundle);
    if (err != ERR_OK) {
        fail(order, err == ERR_SYSTEM ? strerror(errno) : "the client has left no certificate");
        return;
    }
    order->step = STEP_NONE;
    order->has_failed = false;
    uv_timer_stop(&order->deadline);
    shelf_clear(&order->shelf);
    say_account(order);
    say(order, "done", (struct bytes){bundle.start, writer_used(&bundle)});
}

// -- The client

static void begin(struct order *order, enum step step);

static void judge(struct order *order)
{
    if (order->is_late)
        fail(order, "the client had not ended within acme_timeout_s");
    else if (order->step == STEP_NEW && (order->status == 0 || order->has_failed))
        begin(order, STEP_ISSUE);
    else if (order->status == 0)
        succeed(order);
    else
        fail(order, order->last[0] == 0 ? "the client has failed without a word" : order->last);
}

static void on_close(uv_handle_t *handle)
{
    struct order *order = handle->data;
    if (--order->n_closing > 0)
        return;
    while (waitpid(-1, NULL, WNOHANG) > 0) // what it ran was made ours when it ended
        ;
    judge(order);
}

static void end_line(struct order *order)
{
    order->line[order->n_line] = 0;
    if (order->n_line > 0) {
        memcpy(order->last, order->line, order->n_line + 1);
        say(order, "say", bytes_of_text(order->line));
    }
    order->n_line = 0;
}

static void on_buffer(uv_handle_t *handle, size_t, uv_buf_t *buffer)
{
    static char space[4096];
    (void)handle;
    *buffer = uv_buf_init(space, sizeof space);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct order *order = stream->data;
    for (ssize_t i = 0; i < n; i++) {
        if (buffer->base[i] == '\n')
            end_line(order);
        else if (order->n_line < LINE_MAX_CHARS)
            order->line[order->n_line++] = buffer->base[i];
    }
    if (n >= 0)
        return;
    end_line(order);
    uv_close((uv_handle_t *)stream, on_close);
}

static void kill_all(const struct order *order)
{
    (void)kill(-order->process.pid, SIGKILL);
}

// Whatever it ran may still hold the pipe open.
static void on_ended(uv_process_t *process, int64_t status, int signal)
{
    struct order *order = process->data;
    order->status = signal != 0 ? 128 + signal : (int)status;
    kill_all(order);
    uv_close((uv_handle_t *)process, on_close);
}

static void on_deadline(uv_timer_t *timer)
{
    struct order *order = timer->data;
    order->is_late = true;
    kill_all(order);
}

// The names begin behind "--", and config_check has looked at each.
static void fill_arguments(const struct order *order, enum step step, const char *arguments[ARGUMENTS_MAX])
{
    const struct conf *conf = order->conf;
    const char *const all[] = {conf->api_acme_program,
                               "-y",
                               "-f",
                               "-t",
                               "EC",
                               "-c",
                               order->shelf.folder,
                               "-a",
                               conf->acme.directory,
                               "-h",
                               order->hook,
                               "--",
                               step == STEP_NEW ? "new" : "issue"};
    size_t n = 0;
    for (; n < sizeof all / sizeof all[0]; n++)
        arguments[n] = all[n];
    if (step == STEP_NEW && *conf->api_notification_email != 0)
        arguments[n++] = conf->api_notification_email;
    for (size_t i = 0; step == STEP_ISSUE && i < conf->acme.names.n; i++)
        arguments[n++] = conf->acme.names.at[i];
    assert(n < ARGUMENTS_MAX);
    arguments[n] = NULL;
}

static void begin(struct order *order, enum step step)
{
    const char *arguments[ARGUMENTS_MAX];
    fill_arguments(order, step, arguments);
    uv_stdio_container_t stdio[N_STDIO] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&order->output},
        [CALLBACK_FD] = {.flags = UV_INHERIT_FD, .data.fd = order->hook_fd},
        [TRUST_FD] = {.flags = order->trust_fd < 0 ? UV_IGNORE : UV_INHERIT_FD, .data.fd = order->trust_fd},
    };
    const uv_process_options_t options = {.exit_cb = on_ended,
                                          .file = arguments[0],
                                          .args = (char **)(uintptr_t)arguments, // only read
                                          .env = order->environment,
                                          .flags = UV_PROCESS_DETACHED,
                                          .stdio_count = N_STDIO,
                                          .stdio = stdio};
    order->step = step;
    order->n_line = 0;
    order->last[0] = 0;
    uv_pipe_init(&order->loop, &order->output, 0);
    order->output.data = order->process.data = order;
    int status = uv_spawn(&order->loop, &order->process, &options);
    order->n_closing = 2;
    if (status == 0) {
        uv_read_start((uv_stream_t *)&order->output, on_buffer, on_output);
        return;
    }
    order->status = EXIT_FAILURE;
    order->has_failed = false; // there is no point in going on
    snprintf(order->last, sizeof order->last, "%s: %s", arguments[0], uv_strerror(status));
    uv_close((uv_handle_t *)&order->process, on_close);
    uv_close((uv_handle_t *)&order->output, on_close);
}

// -- From the server

static void start(struct order *order, struct bytes account_key)
{
    if (order->step != STEP_NONE)
        return;
    bool has_account = shelf_has_account(&order->shelf);
    if (!has_account && account_key.n > 0)
        has_account = shelf_write_account(&order->shelf, account_key) == ERR_OK;
    shelf_clear(&order->shelf);
    order->is_late = false;
    uv_timer_start(&order->deadline, on_deadline, (uint64_t)order->conf->api_acme_timeout_s * 1000, 0);
    begin(order, has_account && !order->has_failed ? STEP_ISSUE : STEP_NEW);
}

// Whether the message begins with the word; `rest` is what follows its line.
static bool is_word(struct bytes message, const char *word, struct bytes *rest)
{
    size_t n = strlen(word);
    if (message.n <= n || memcmp(message.at, word, n) != 0 || message.at[n] != '\n')
        return false;
    *rest = (struct bytes){message.at + n + 1, message.n - n - 1};
    return true;
}

static void on_packet(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct order *order = poll->data;
    uint8_t text[AGENT_MESSAGE_BYTES];
    struct bytes rest;
    ssize_t n = recv(order->order_fd, text, sizeof text, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { // the server is gone
        if (order->step != STEP_NONE)
            kill_all(order);
        _exit(0);
    }
    const struct bytes message = {text, (size_t)n};
    if (is_word(message, "order", &rest))
        start(order, rest);
    else if (is_word(message, "keep", &rest) && shelf_write_bundle(&order->shelf, rest) != ERR_OK)
        say(order, "say", bytes_of_text("the certificate cannot be written to acme_cache_dir"));
}

// -- The start

// Both live as long as the agent.
static void add_trust(char *environment[2], const char *trust_file)
{
    static char preload[64], file[SHELF_PATH_MAX];
    snprintf(preload, sizeof preload, "LD_PRELOAD=/proc/self/fd/%d", TRUST_FD);
    snprintf(file, sizeof file, TRUST_VARIABLE "=%s", trust_file);
    environment[0] = preload;
    environment[1] = file;
}

// Ours, without what is meant for us alone: secrets of the configuration may stand in it.
static char **make_environment(bool has_trust, const char *trust_file)
{
    static const char *const ours[] = {"ACMEZONE_", "LD_PRELOAD=", "NOTIFY_SOCKET="};
    size_t n = 0, n_kept = 0;
    while (environ[n] != NULL)
        n++;
    char **kept = calloc(n + 3, sizeof *kept);
    for (size_t i = 0; kept != NULL && i < n; i++) {
        bool is_ours = false;
        for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++)
            is_ours |= strncmp(environ[i], ours[k], strlen(ours[k])) == 0;
        if (!is_ours)
            kept[n_kept++] = environ[i];
    }
    if (kept != NULL && has_trust)
        add_trust(&kept[n_kept], trust_file);
    return kept;
}

static enum err set_up(struct order *order, const struct conf *conf)
{
    const char *file = conf->api_acme_ca_file;
    ssize_t n = readlink("/proc/self/exe", order->hook, sizeof order->hook - 1);
    enum err err = shelf_open(&order->shelf, conf);
    order->trust_fd = -1;
    if (err == ERR_OK && *file != 0)
        err = trust_open(&order->trust_fd);
    if (err != ERR_OK || n <= 0)
        return ERR_SYSTEM;
    order->environment = make_environment(*file != 0, file);
    if (order->environment == NULL || uv_loop_init(&order->loop) != 0 ||
        uv_poll_init(&order->loop, &order->poll, order->order_fd) != 0)
        return ERR_SYSTEM;
    uv_timer_init(&order->loop, &order->deadline);
    order->poll.data = order->deadline.data = order;
    uv_poll_start(&order->poll, UV_READABLE, on_packet);
    return ERR_OK;
}

enum err order_serve(const struct conf *conf, int order_fd, int hook_fd)
{
    static struct order order;
    order.conf = conf;
    order.order_fd = order_fd;
    order.hook_fd = hook_fd;
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    enum err err = set_up(&order, conf);
    if (err == ERR_OK)
        uv_run(&order.loop, UV_RUN_DEFAULT);
    return err;
}

// SPDX-License-Identifier: MIT
#include "rig.h"

#include "expect.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 20 };

static const char cheap[] = "argon2_memory_kib = 64\nargon2_passes = 1\n";

static const char config[] = "[general]\n"
                             "domain = \"auth.example.org\"\n"
                             "[database]\n"
                             "connection = \"%s/data\"\n"
                             "map_size = \"1MiB\"\n"
                             "[api]\n"
                             "ip = \"127.0.0.1\"\n"
                             "port = 0\n"
                             "%s%s\n"
                             "[logconfig]\n"
                             "loglevel = \"debug\"\n"
                             "logtype = \"file\"\n"
                             "logfile = \"%s/log\"\n";

// --- The house ---

static void on_config_text(void *arg, bool is_error, const char *text)
{
    (void)arg;
    if (is_error)
        fprintf(stderr, "%s\n", text);
}

void rig_begin(struct rig *rig)
{
    *rig = (struct rig){.is_ready = true};
    signal(SIGPIPE, SIG_IGN);
    tempdir_make(&rig->dir);
}

static void load_config(struct rig *rig, const char *api)
{
    char text[8192];
    const char *cost = strstr(api, "argon2_") == NULL ? cheap : "";
    snprintf(text, sizeof text, config, rig->dir.path, cost, api, rig->dir.path);
    expect_ok(config_load_text(&rig->conf, bytes_of_text(text), "rig", (struct config_sink){on_config_text, NULL}));
    expect_ok(log_open(&rig->log, &rig->conf->log));
    const struct store_options options = {
        .directory = rig->conf->database_connection,
        .map_bytes = (uint64_t)rig->conf->database_map_size,
        .n_values = (unsigned)rig->conf->general_txt_values,
        .n_readers = 2,
        .log = rig->log,
    };
    expect_ok(store_open(&rig->store, &options));
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static size_t on_ready(void *context, struct api_check *checks, size_t max)
{
    const struct rig *rig = context;
    assert_true(max >= 2);
    checks[0] = (struct api_check){"store", true, NULL, NULL};
    checks[1] = (struct api_check){"oven", rig->is_ready, "it is cold", NULL};
    return 2;
}

static void finish(struct rig *rig, enum err result)
{
    pthread_mutex_lock(&rig->mutex);
    rig->result = result;
    rig->wanted = RIG_NOTHING;
    pthread_cond_broadcast(&rig->done);
    pthread_mutex_unlock(&rig->mutex);
}

static void on_stopped(void *context)
{
    struct rig *rig = context;
    uv_close((uv_handle_t *)&rig->command, NULL);
    finish(rig, ERR_OK);
}

static void on_command(uv_async_t *async)
{
    struct rig *rig = async->data;
    pthread_mutex_lock(&rig->mutex);
    enum rig_command wanted = rig->wanted;
    pthread_mutex_unlock(&rig->mutex);
    if (wanted == RIG_RELOAD)
        finish(rig, api_reload(rig->api));
    else if (wanted == RIG_STOP)
        api_stop(rig->api, rig->deadline_ms, on_stopped, rig);
}

static void *run_loop(void *arg)
{
    struct rig *rig = arg;
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    return NULL;
}

enum err rig_start(struct rig *rig, const char *api)
{
    load_config(rig, api);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    int fd = rig->has_bad_socket ? -1 : listen_anywhere(&rig->port);
    const struct api_options options = {
        .conf = rig->conf,
        .loop = &rig->loop,
        .store = rig->store,
        .log = rig->log,
        .listen_fds = &fd,
        .n_listen_fds = 1,
        .ready = on_ready,
        .ready_context = rig,
    };
    enum err err = api_start(&rig->api, &options);
    if (err != ERR_OK) {
        if (fd >= 0)
            close(fd);
        uv_run(&rig->loop, UV_RUN_DEFAULT);
        return err;
    }
    pthread_mutex_init(&rig->mutex, NULL);
    pthread_cond_init(&rig->done, NULL);
    assert_int_equal(uv_async_init(&rig->loop, &rig->command, on_command), 0);
    rig->command.data = rig;
    assert_int_equal(pthread_create(&rig->thread, NULL, run_loop, rig), 0);
    return ERR_OK;
}

void rig_open(struct rig *rig, const char *api)
{
    rig_begin(rig);
    expect_ok(rig_start(rig, api));
}

static void command(struct rig *rig, enum rig_command wanted)
{
    pthread_mutex_lock(&rig->mutex);
    rig->wanted = wanted;
    pthread_mutex_unlock(&rig->mutex);
    uv_async_send(&rig->command);
}

static enum err await(struct rig *rig)
{
    pthread_mutex_lock(&rig->mutex);
    while (rig->wanted != RIG_NOTHING)
        pthread_cond_wait(&rig->done, &rig->mutex);
    enum err result = rig->result;
    pthread_mutex_unlock(&rig->mutex);
    return result;
}

enum err rig_reload(struct rig *rig)
{
    command(rig, RIG_RELOAD);
    return await(rig);
}

void rig_begin_stop(struct rig *rig, unsigned deadline_ms)
{
    rig->deadline_ms = deadline_ms;
    command(rig, RIG_STOP);
}

void rig_end_stop(struct rig *rig)
{
    expect_ok(await(rig));
    pthread_join(rig->thread, NULL);
    rig->api = NULL;
    pthread_mutex_destroy(&rig->mutex);
    pthread_cond_destroy(&rig->done);
}

void rig_stop(struct rig *rig, unsigned deadline_ms)
{
    rig_begin_stop(rig, deadline_ms);
    rig_end_stop(rig);
}

void rig_close(struct rig *rig)
{
    if (rig->api != NULL)
        rig_stop(rig, PATIENCE_S * 1000);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    store_close(rig->store);
    log_close(rig->log);
    config_free(rig->conf);
    tempdir_remove(&rig->dir);
}

// --- What it tells ---

uint64_t rig_count(const struct rig *rig, enum counter which)
{
    return counter_value(api_counters(rig->api), which);
}

void rig_wait_count(const struct rig *rig, enum counter which, uint64_t at_least)
{
    for (int i = 0; i < PATIENCE_S * 1000; i++) {
        if (rig_count(rig, which) >= at_least)
            return;
        usleep(1000);
    }
    fail_msg("counter %d stays below %llu", which, (unsigned long long)at_least);
}

static bool holds_all(const char *line, const char *const *texts)
{
    while (*texts != NULL && strstr(line, *texts) != NULL)
        texts++;
    return *texts == NULL;
}

bool rig_has_logged(const struct rig *rig, const char *const *texts)
{
    size_t n;
    bool is_found = false;
    char *log = tempdir_read(&rig->dir, "log", &n), *rest = log;
    for (char *line; !is_found && (line = strsep(&rest, "\n")) != NULL;)
        is_found = holds_all(line, texts);
    free(log);
    return is_found;
}

// --- The client ---

static int try_connect(const struct rig *rig)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)rig->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

int rig_connect(const struct rig *rig)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const int on = 1;
    int fd = try_connect(rig);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    return fd;
}

bool rig_is_refused(const struct rig *rig)
{
    int fd = try_connect(rig);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

void rig_say(int fd, const char *text)
{
    for (size_t n = strlen(text); n > 0;) {
        ssize_t written = write(fd, text, n);
        assert_true(written > 0);
        text += written;
        n -= (size_t)written;
    }
}

static size_t hear_head(int fd, struct reply *reply)
{
    for (size_t n = 0; n < sizeof reply->head - 1; n++) {
        assert_int_equal(read(fd, &reply->head[n], 1), 1);
        reply->head[n + 1] = '\0';
        if (n >= 3 && memcmp(&reply->head[n - 3], "\r\n\r\n", 4) == 0)
            return n + 1;
    }
    fail_msg("the head of the answer is too long");
    return 0;
}

void rig_hear(int fd, struct reply *reply)
{
    *reply = (struct reply){0};
    hear_head(fd, reply);
    assert_int_equal(sscanf(reply->head, "HTTP/1.1 %u ", &reply->status), 1);
    const char *length = strcasestr(reply->head, "\r\nContent-Length: ");
    size_t n = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
    assert_true(n < sizeof reply->body);
    for (size_t at = 0; at < n;) {
        ssize_t got = read(fd, &reply->body[at], n - at);
        assert_true(got > 0);
        at += (size_t)got;
    }
}

bool rig_is_closed(int fd)
{
    char byte;
    return read(fd, &byte, 1) <= 0;
}

void rig_ask(const struct rig *rig, const char *request, struct reply *reply)
{
    int fd = rig_connect(rig);
    rig_say(fd, request);
    rig_hear(fd, reply);
    close(fd);
}

void rig_post(const struct rig *rig, const char *path, const char *headers, const char *body, struct reply *reply)
{
    char request[8192];
    snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s", path, headers,
             strlen(body), body);
    rig_ask(rig, request, reply);
}

static void copy_value(const char *json, const char *key, char *out, size_t n)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
    const char *at = strstr(json, pattern);
    assert_non_null(at);
    at += strlen(pattern);
    assert_true(strcspn(at, "\"") < n);
    snprintf(out, n, "%.*s", (int)strcspn(at, "\""), at);
}

void rig_register(const struct rig *rig, const char *body, struct rig_account *account)
{
    struct reply reply;
    rig_post(rig, "/register", "", body, &reply);
    assert_int_equal(reply.status, 201);
    copy_value(reply.body, "username", account->username, sizeof account->username);
    copy_value(reply.body, "password", account->password, sizeof account->password);
    copy_value(reply.body, "subdomain", account->subdomain, sizeof account->subdomain);
}

void rig_update(const struct rig *rig, const struct rig_account *account, const char *body, struct reply *reply)
{
    char headers[256];
    snprintf(headers, sizeof headers, "X-Api-User: %s\r\nX-Api-Key: %s\r\n", account->username, account->password);
    rig_post(rig, "/update", headers, body, reply);
}

const char *rig_update_body(const struct rig_account *account, const char *txt)
{
    static char text[256];
    snprintf(text, sizeof text, "{\"subdomain\":\"%s\",\"txt\":\"%s\"}", account->subdomain, txt);
    return text;
}

void rig_expect(const char *text, const char *part)
{
    if (strcasestr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void rig_expect_not(const char *text, const char *part)
{
    if (strcasestr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

// SPDX-License-Identifier: MIT
// The main thread's loop: the API and four signals. SIGTERM and SIGINT drain the API while DNS goes on, then the loop
// has nothing left to do and ends; SIGHUP reloads; SIGUSR1 logs the counters.
#include "cmd_serve.h"

#include "cmd_config.h"
#include "house.h"
#include "notify.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { DRAIN_MS = 5000, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static const char usage[] = "Usage: acmezone [serve] [-c FILE]\n"
                            "\n"
                            "Serves DNS and the API until SIGTERM or SIGINT.\n"
                            "  -c FILE   the configuration (default /etc/acme-dns/config.cfg, else ./config.cfg)\n"
                            "  --help    print this\n"
                            "\n"
                            "SIGHUP reloads static records and certificates and opens the log file anew;\n"
                            "SIGUSR1 logs the counters. Every option: acmezone config\n";

enum { N_SIGNALS = 4 };

struct serve {
    struct house house;
    uv_loop_t loop;
    uv_signal_t signals[N_SIGNALS];
    bool is_stopping;
};

static void close_signals(struct serve *serve)
{
    for (size_t i = 0; i < N_SIGNALS; i++)
        uv_close((uv_handle_t *)&serve->signals[i], NULL);
}

static void on_api_stopped(void *context)
{
    struct serve *serve = context;
    house_report(&serve->house);
    serve->house.api = NULL;
    if (serve->house.exporter != NULL)
        exporter_stop(serve->house.exporter, NULL, NULL);
    serve->house.exporter = NULL;
    close_signals(serve);
}

static void on_stop(uv_signal_t *signal, int number)
{
    struct serve *serve = signal->data;
    if (serve->is_stopping)
        return;
    serve->is_stopping = true;
    log_write(serve->house.log, LOG_INFO, "serve.stopping",
              LOG_STR("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
    notify_manager("STOPPING=1");
    house_leave(&serve->house);
    api_stop(serve->house.api, DRAIN_MS, on_api_stopped, serve);
}

static void on_reload(uv_signal_t *signal, int number)
{
    (void)number;
    struct serve *serve = signal->data;
    if (!serve->is_stopping)
        house_reload(&serve->house);
}

static void on_report(uv_signal_t *signal, int number)
{
    (void)number;
    struct serve *serve = signal->data;
    house_report(&serve->house);
}

static const struct {
    int number;
    uv_signal_cb on_signal;
} signal_table[N_SIGNALS] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}, {SIGUSR1, on_report}};

static enum err start_signals(struct serve *serve)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error to whoever writes it
    for (size_t i = 0; i < N_SIGNALS; i++) {
        serve->signals[i].data = serve;
        if (uv_signal_init(&serve->loop, &serve->signals[i]) != 0 ||
            uv_signal_start(&serve->signals[i], signal_table[i].on_signal, signal_table[i].number) != 0)
            return ERR_SYSTEM;
    }
    return ERR_OK;
}

static void announce(const struct house *house)
{
    log_ready(house->log);
    log_write(house->log, LOG_INFO, "serve.ready", LOG_STR("version", ACMEZONE_VERSION),
              LOG_STR("dns", server_addresses(house->server)), LOG_STR("api", house->api_addresses),
              LOG_STR("metrics", house->metrics_addresses == NULL ? "off" : house->metrics_addresses),
              LOG_STR("zone", house->conf->general_domain.at[0]), LOG_STR("store", house->conf->database_connection),
              LOG_INT("workers", server_n_workers(house->server)));
    notify_manager("READY=1");
}

static enum err serve_all(struct serve *serve)
{
    if (uv_loop_init(&serve->loop) != 0 || start_signals(serve) != ERR_OK) {
        fputs("acmezone: error: the event loop cannot be made\n", stderr);
        return ERR_SYSTEM;
    }
    enum err err = house_open(&serve->house, &serve->loop);
    if (err == ERR_OK)
        announce(&serve->house);
    else
        close_signals(serve);
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    uv_loop_close(&serve->loop);
    if (err == ERR_OK)
        log_write(serve->house.log, LOG_INFO, "serve.stopped");
    return err;
}

static int run(struct serve *serve, struct conf *conf)
{
    enum err err = house_begin(&serve->house, conf);
    if (err == ERR_OK)
        err = serve_all(serve);
    house_close(&serve->house);
    return err == ERR_OK ? 0 : err == ERR_SYNTAX ? EXIT_USAGE : EXIT_REFUSED;
}

int cmd_serve(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *file = NULL;
    int letter;
    optind = 0; // glibc: begin anew
    while ((letter = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (letter == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (letter != 'c') {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
        file = optarg;
    }
    if (optind != argc) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    struct conf *conf;
    int status = cmd_config_load(&conf, file);
    if (status != 0)
        return status;
    static struct serve serve; // house life; libuv keeps pointers into it
    return run(&serve, conf);
}

// SPDX-License-Identifier: MIT
// Closed loops against etcd and against replicas: each client asks, waits for the answer and asks again. Prints one
// line of JSON: how many were answered a second, and the median and 99th percentile of the time that took.
//
//     clusterload put SECONDS CLIENTS ENDPOINT...        values as long as an update's record, each client its own key
//     clusterload update SECONDS ADDRESS:PORT... < FILE  one client for each line "USERNAME KEY SUBDOMAIN", spread over
//     the addresses
//
// The puts go through the product's own gRPC client, all of them over one connection for each endpoint; the updates are
// HTTP/1.1 on a connection for each client, a thread for each.
#include "channel.h"
#include "etcd.pb-c.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1 << 20, CLIENTS_MAX = 1024, VALUE_BYTES = 134 };

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// -- What was measured
// -----------------------------------------------------------------------------------------------------------

static struct {
    double at[SAMPLES_MAX];
    size_t n;
    pthread_mutex_t mutex;
} samples = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void note(double took_s)
{
    pthread_mutex_lock(&samples.mutex);
    if (samples.n < SAMPLES_MAX)
        samples.at[samples.n++] = took_s;
    pthread_mutex_unlock(&samples.mutex);
}

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

static void report(double took_s)
{
    qsort(samples.at, samples.n, sizeof samples.at[0], compare);
    size_t n = samples.n;
    printf("{\"n\": %zu, \"per_s\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n", n, (double)n / took_s,
           n == 0 ? 0 : samples.at[n / 2] * 1000, n == 0 ? 0 : samples.at[n * 99 / 100] * 1000);
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "clusterload: %s\n", what);
    exit(1);
}

// -- Puts
// ----------------------------------------------------------------------------------------------------------------------

static struct putter {
    struct channel *channel;
    unsigned number;
    unsigned next; // the client that is to begin when this one has had its first answer, on the same channel
    unsigned n_puts;
    double began_s;
    double until_s;
} putters[CLIENTS_MAX];

static void put(struct putter *putter);

static void on_put(void *context, const struct outcome *outcome)
{
    struct putter *putter = context;
    if (outcome->code != GRPC_OK)
        fail(outcome->text);
    double now = now_s();
    note(now - putter->began_s);
    if (putter->n_puts == 1 && putter->next < CLIENTS_MAX && putters[putter->next].channel != NULL)
        put(&putters[putter->next]);
    if (now < putter->until_s)
        put(putter);
}

static void put(struct putter *putter)
{
    char key[40];
    uint8_t value[VALUE_BYTES];
    memset(value, 'x', sizeof value);
    memcpy(value, &putter->n_puts, sizeof putter->n_puts);
    int n = snprintf(key, sizeof key, "/bench/%u", putter->number);
    Etcd__PutRequest request = ETCD__PUT_REQUEST__INIT;
    request.key = (ProtobufCBinaryData){(size_t)n, (uint8_t *)key};
    request.value = (ProtobufCBinaryData){sizeof value, value};
    const struct call call = {
        .path = "/etcdserverpb.KV/Put", .message = &request.base, .on_end = on_put, .context = putter};
    putter->n_puts++;
    putter->began_s = now_s();
    if (channel_call(putter->channel, &call) != ERR_OK)
        fail("out of memory");
}

static void bench_puts(double seconds, unsigned n_clients, char **endpoints, size_t n_endpoints)
{
    struct channel_options options[16];
    struct channel *channels[16];
    uv_loop_t loop;
    if (channel_init() != ERR_OK || uv_loop_init(&loop) != 0 || n_endpoints > 16)
        fail("cannot begin");
    for (size_t i = 0; i < n_endpoints; i++) {
        options[i] = (struct channel_options){&loop, endpoints[i], "", "", "", 1000};
        if (channel_open(&channels[i], &options[i]) != ERR_OK)
            fail("out of memory");
    }
    double began_s = now_s();
    for (unsigned i = 0; i < n_clients; i++)
        putters[i] = (struct putter){channels[i % n_endpoints], i, i + (unsigned)n_endpoints, 0, 0, began_s + seconds};
    for (unsigned i = 0; i < n_clients && i < n_endpoints; i++)
        put(&putters[i]);
    while (now_s() < began_s + seconds || samples.n == 0)
        uv_run(&loop, UV_RUN_ONCE);
    report(now_s() - began_s);
    fflush(stdout);
    _exit(0);
}

// -- Updates
// -------------------------------------------------------------------------------------------------------------------

struct updater {
    pthread_t thread;
    char username[64], key[64], subdomain[64];
    const char *address;
    double until_s;
};

static int connect_to(const char *address)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (colon == NULL || (size_t)(colon - address) >= sizeof host)
        fail("an address is ADDRESS:PORT");
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail("cannot connect");
    return fd;
}

static void update(const struct updater *updater, int fd, unsigned turn)
{
    char body[160], request[512], reply[1024];
    int n_body = snprintf(body, sizeof body, "{\"subdomain\":\"%s\",\"txt\":\"%043u\"}", updater->subdomain, turn);
    int n =
        snprintf(request, sizeof request,
                 "POST /update HTTP/1.1\r\nHost: x\r\nX-Api-User: %s\r\nX-Api-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
                 updater->username, updater->key, n_body, body);
    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        fail("cannot send");
    ssize_t got = 0;
    do {
        ssize_t more = recv(fd, reply + got, sizeof reply - 1 - (size_t)got, 0);
        if (more <= 0)
            fail("the connection ended");
        got += more;
        reply[got] = 0;
    } while (strstr(reply, "\r\n\r\n{") == NULL || reply[got - 1] != '}');
    if (strncmp(reply, "HTTP/1.1 200", 12) != 0)
        fail(reply);
}

static void *run_updates(void *context)
{
    const struct updater *updater = context;
    int fd = connect_to(updater->address);
    for (unsigned turn = 0; now_s() < updater->until_s; turn++) {
        double began_s = now_s();
        update(updater, fd, turn);
        if (turn > 0) // the first pays for the password's hash
            note(now_s() - began_s);
    }
    close(fd);
    return NULL;
}

static void bench_updates(double seconds, char **addresses, size_t n_addresses)
{
    static struct updater updaters[CLIENTS_MAX];
    size_t n = 0;
    struct updater *next = updaters;
    while (n < CLIENTS_MAX && scanf("%63s %63s %63s", next->username, next->key, next->subdomain) == 3) {
        next->address = addresses[n % n_addresses];
        next = &updaters[++n];
    }
    double began_s = now_s();
    for (size_t i = 0; i < n; i++) {
        updaters[i].until_s = began_s + seconds;
        if (pthread_create(&updaters[i].thread, NULL, run_updates, &updaters[i]) != 0)
            fail("no thread");
    }
    for (size_t i = 0; i < n; i++)
        pthread_join(updaters[i].thread, NULL);
    report(now_s() - began_s);
}

int main(int argc, char **argv)
{
    if (argc > 4 && strcmp(argv[1], "put") == 0)
        bench_puts(strtod(argv[2], NULL), (unsigned)strtoul(argv[3], NULL, 10), argv + 4, (size_t)argc - 4);
    else if (argc > 3 && strcmp(argv[1], "update") == 0)
        bench_updates(strtod(argv[2], NULL), argv + 3, (size_t)argc - 3);
    else
        fail("put SECONDS CLIENTS ENDPOINT... | update SECONDS ADDRESS:PORT...");
    return 0;
}

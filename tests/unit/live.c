// SPDX-License-Identifier: MIT
// What cmd_serve does for DNS, without the rest of the house.
#include "live.h"

#include "dialog.h"
#include "expect.h"
#include "stage.h"
#include "writing.h"

#include <signal.h>
#include <stdlib.h>

struct zones *live_zones(const struct live *live, const char *config)
{
    struct conf *conf = stage_conf(config);
    struct zones *zones;
    expect_ok(zones_new(&zones, conf, live->vault->log));
    config_free(conf);
    return zones;
}

enum err live_start(struct live *live, const char *config)
{
    signal(SIGPIPE, SIG_IGN); // as the program does: a client that has gone is an error of write(2)
    live->vault = vault_new();
    expect_ok(vault_open(live->vault, VAULT_USUAL));
    expect_ok(writing_register(live->vault->store, "full"));
    expect_ok(writing_update(live->vault->store, "full", "value"));
    live->conf = stage_conf(config);
    struct zones *zones = live_zones(live, config);
    const struct server_options options = {.conf = live->conf, .store = live->vault->store, .log = live->vault->log};
    enum err err = server_start(&live->server, &options, zones);
    zones_drop(zones);
    return err;
}

void live_stop(struct live *live)
{
    if (live->server != NULL)
        server_stop(live->server);
    vault_free(live->vault);
    config_free(live->conf);
    *live = (struct live){0};
}

uint64_t live_total(const struct live *live, enum counter which)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < server_n_workers(live->server); i++)
        sum += counter_value(server_counters(live->server, i), which);
    return sum;
}

void live_expect(int fd, bool is_tcp, const char *name, const char *wanted)
{
    char *answer = dialog_ask(fd, is_tcp, name);
    assert_string_equal(answer, wanted);
    free(answer);
}

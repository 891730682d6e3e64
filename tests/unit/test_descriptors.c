// SPDX-License-Identifier: MIT
// Limits on connections are made to fit the limit on descriptors. A hard limit is for good, so each case is a process
// of its own.
#include "descriptors.h"

#include "expect.h"
#include "logbook.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct row {
    const char *name;
    rlim_t soft, hard;
    int64_t tcp, api;         // connections in the config
    int64_t tcp_max, api_max; // what may be left of them
    bool is_told;
} rows[] = {
    {"enough: nothing changes", 512, 4096, 1024, 1024, 1024, 1024, false},
    {"the soft limit is raised", 64, 4096, 1024, 1024, 1024, 1024, false},
    {"in proportion", 64, 512, 30000, 10000, 320, 110, true},
    {"all for one", 64, 512, 100000, 1, 420, 1, true},
    {"next to nothing", 64, 64, 1024, 1024, 2, 1, true},
};

// Which expectation does not hold, from 1; 0 when all do.
static int fit(const struct row *row, struct log *log)
{
    const struct rlimit before = {row->soft, row->hard};
    struct rlimit after;
    struct listen addresses[2] = {0};
    struct conf conf = {.general_workers = 2,
                        .general_tcp_connections = row->tcp,
                        .api_connections = row->api,
                        .dns_listens = {.n = 1, .at = addresses},
                        .api_listens = {.n = 1, .at = addresses}};
    if (setrlimit(RLIMIT_NOFILE, &before) != 0)
        return 1;
    descriptors_fit(&conf, log);
    if (getrlimit(RLIMIT_NOFILE, &after) != 0 || after.rlim_cur != row->hard)
        return 2;
    if (conf.general_tcp_connections > row->tcp_max || conf.general_tcp_connections < row->tcp_max * 3 / 4)
        return 3;
    if (conf.api_connections > row->api_max || conf.api_connections < row->api_max * 3 / 4)
        return 4;
    return 0;
}

static void limits_on_connections_fit_the_descriptors(void **state)
{
    struct logbook *book = *state;
    struct log *log = logbook_open(book, false, LOG_INFO);
    for (size_t i = 0; i < N_OF(rows); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(fit(&rows[i], log));
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("%s: expectation %d", rows[i].name, WEXITSTATUS(status));
        char *text = logbook_take(book, "log");
        if ((strstr(text, " warn serve.few_descriptors limit=") != NULL) != rows[i].is_told)
            fail_msg("%s: %s", rows[i].name, text);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limits_on_connections_fit_the_descriptors, logbook_make, logbook_remove)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

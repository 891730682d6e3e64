// SPDX-License-Identifier: MIT
// The files that are left. It is for good, so each test is a process of its own. On a kernel without Landlock there is
// nothing to forbid, and that is what is checked.
#include "landlock.h"

#include "expect.h"
#include "tempdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tempdir dir;

static char *join(const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", dir.path, name) > 0);
    return path;
}

static void make(const char *folder, const char *name)
{
    char *path = join(folder), *file;
    (void)mkdir(path, 0700);
    assert_true(asprintf(&file, "%s/%s", path, name) > 0);
    int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    free(path);
    free(file);
}

static bool can_open(const char *name, int flags)
{
    char *path = join(name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    free(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

// Which expectation does not hold, from 1; 0 when all do.
static int look_around(int version)
{
    const bool is_open = version == 0;
    const struct {
        const char *name;
        int flags;
        bool is_allowed;
    } rows[] = {
        {"store/data.mdb", O_RDWR, true},         {"store/new", O_CREAT | O_RDWR, true},
        {"log/log", O_APPEND | O_WRONLY, true},   {"log/log.new", O_CREAT | O_WRONLY, true},
        {"etc/config.cfg", O_RDONLY, true},       {"etc/config.cfg", O_WRONLY, is_open},
        {"etc/new", O_CREAT | O_WRONLY, is_open}, {"live/cert.pem", O_RDONLY, true},
        {"archive/cert.pem", O_RDONLY, true},     {"archive/cert.pem", O_WRONLY, is_open},
        {"other/secret", O_RDONLY, is_open},      {"other/new", O_CREAT | O_WRONLY, is_open},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        if (can_open(rows[i].name, rows[i].flags) != rows[i].is_allowed)
            return (int)i + 1;
    return 0;
}

static void only_what_the_config_names_can_be_opened(void **state)
{
    (void)state;
    tempdir_make(&dir);
    make("store", "data.mdb");
    make("log", "log");
    make("etc", "config.cfg");
    make("archive", "cert.pem");
    make("live", "nothing");
    make("other", "secret");
    char *link = join("live/cert.pem"), *target = join("archive/cert.pem"), *store = join("store");
    char *log = join("log/log"), *config = join("etc/config.cfg");
    assert_int_equal(symlink(target, link), 0);
    const struct conf conf = {.database_connection = store,
                              .file = config,
                              .log = {.file = log},
                              .api_tls_cert_fullchain = link,
                              .api_tls_cert_privkey = ""};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int version;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || landlock_enter(&conf, &version) != ERR_OK)
            _exit(100);
        _exit(look_around(version));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    char *const all[] = {link, target, store, log, config};
    for (size_t i = 0; i < N_OF(all); i++)
        free(all[i]);
    tempdir_remove(&dir);
}

// In the ACME client's process. Which expectation does not hold, from 1; 0 when all do.
static int look_around_as_agent(int version)
{
    const bool is_open = version == 0;
    const struct {
        const char *name;
        int flags;
        bool is_allowed;
    } rows[] = {
        {"cache/new", O_CREAT | O_RDWR, true},   {"cache/api.pem", O_RDWR, true},
        {"ca/ca.pem", O_RDONLY, true},           {"ca/ca.pem", O_WRONLY, is_open},
        {"ca/new", O_CREAT | O_WRONLY, is_open}, {"store/data.mdb", O_RDONLY, is_open},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        if (can_open(rows[i].name, rows[i].flags) != rows[i].is_allowed)
            return (int)i + 1;
    char *folder = join("cache/folder");
    bool is_made = mkdir(folder, 0700) == 0;
    free(folder);
    if (!is_made)
        return 50;
    return system("/bin/true") == 0 ? 0 : 51;
}

static void the_acme_client_sees_its_cache_and_programs_but_not_the_store(void **state)
{
    (void)state;
    tempdir_make(&dir);
    make("cache", "api.pem");
    make("ca", "ca.pem");
    make("store", "data.mdb");
    char *cache = join("cache"), *ca = join("ca/ca.pem"), *store = join("store");
    const struct conf conf = {.database_connection = store,
                              .api_acme_cache_dir = cache,
                              .api_acme_ca_file = ca,
                              .api_acme_program = "/usr/bin/uacme",
                              .acme = {.is_on = true}};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int version;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || landlock_enter_agent(&conf, &version) != ERR_OK)
            _exit(100);
        _exit(look_around_as_agent(version));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free(cache);
    free(ca);
    free(store);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_config_names_can_be_opened),
        cmocka_unit_test(the_acme_client_sees_its_cache_and_programs_but_not_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

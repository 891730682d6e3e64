// SPDX-License-Identifier: MIT
// Where configuration files are looked for, and what is told when there is none or it cannot be read.
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DOMAIN "[general]\ndomain = \"auth.example.org\"\n"

static char told[1024];
static struct conf *conf;

static void tell(void *, bool is_error, const char *text)
{
    snprintf(told, sizeof told, "%s %s", is_error ? "E" : "W", text);
}

static const struct config_sink SINK = {.on_text = tell};

static enum err load_file(const char *file)
{
    config_free(conf);
    conf = NULL;
    told[0] = 0;
    return config_load(&conf, file, SINK);
}

static void write_file(const char *name, const char *text, size_t n_blanks)
{
    FILE *out = fopen(name, "w");
    assert_non_null(out);
    fprintf(out, "%s%*s", text, (int)n_blanks, "");
    assert_int_equal(fclose(out), 0);
}

static void a_file_is_found_or_told_to_be_missing(void **)
{
    char folder[] = "/tmp/acmezone-test-XXXXXX", *before = getcwd(NULL, 0);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_not_equal(access("/etc/acme-dns/config.cfg", F_OK), 0);

    assert_int_equal(load_file(NULL), ERR_NOT_FOUND);
    assert_string_equal(told, "E no configuration file: there is neither /etc/acme-dns/config.cfg nor ./config.cfg");
    assert_int_equal(load_file("x.cfg"), ERR_NOT_FOUND);
    assert_string_equal(told, "E x.cfg: No such file or directory");
    assert_int_equal(load_file("."), ERR_SYSTEM);
    assert_string_equal(told, "E .: Is a directory");

    write_file("config.cfg", DOMAIN, 0);
    assert_int_equal(load_file(NULL), ERR_OK);
    assert_string_equal(conf->file, "./config.cfg");
    assert_int_equal(load_file("config.cfg/x"), ERR_NOT_FOUND);
    write_file("x.cfg", "x", 0);
    assert_int_equal(load_file("x.cfg"), ERR_SYNTAX);
    assert_string_equal(told, "E x.cfg:1: expected '=' behind a key, found the end of the text");
    write_file("x.cfg", DOMAIN, (1 << 20) - strlen(DOMAIN));
    assert_int_equal(load_file("x.cfg"), ERR_OK);
    write_file("x.cfg", DOMAIN, (1 << 20) - strlen(DOMAIN) + 1);
    assert_int_equal(load_file("x.cfg"), ERR_TOO_LARGE);
    assert_string_equal(told, "E x.cfg: larger than 1 MiB");

    unlink("x.cfg");
    unlink("config.cfg");
    assert_int_equal(chdir(before), 0);
    rmdir(folder);
    free(before);
    config_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_found_or_told_to_be_missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

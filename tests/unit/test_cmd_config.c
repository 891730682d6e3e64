// SPDX-License-Identifier: MIT
// `acmezone config`: exit status, and what goes to standard output and standard error.
#include "cmd_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DOMAIN "[general]\ndomain = 'auth.example.org'\n"

static char folder[] = "/tmp/acmezone-test-XXXXXX";
static char out[65536], err[65536];

// Sends a stream into a file while the command runs; returns the descriptor it had.
static int redirect(FILE *stream, const char *file)
{
    fflush(stream);
    int saved = dup(fileno(stream));
    assert_true(saved >= 0);
    FILE *to = fopen(file, "w");
    assert_non_null(to);
    assert_true(dup2(fileno(to), fileno(stream)) >= 0);
    fclose(to);
    return saved;
}

static void restore(FILE *stream, int saved, const char *file, char text[static 65536])
{
    fflush(stream);
    assert_true(dup2(saved, fileno(stream)) >= 0);
    close(saved);
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    text[fread(text, 1, 65535, in)] = 0;
    fclose(in);
}

// Runs the command with up to three arguments.
static int run(const char *first, const char *second, const char *third)
{
    const char *args[] = {"config", first, second, third, NULL};
    char *argv[5] = {0};
    int argc = 0;
    for (; args[argc] != NULL; argc++)
        argv[argc] = strdup(args[argc]);
    int saved_out = redirect(stdout, "out"), saved_err = redirect(stderr, "err");
    int status = cmd_config(argc, argv);
    restore(stderr, saved_err, "err", err);
    restore(stdout, saved_out, "out", out);
    while (argc > 0)
        free(argv[--argc]);
    return status;
}

static void write_config(const char *text)
{
    FILE *to = fopen("test.cfg", "w");
    assert_non_null(to);
    fputs(text, to);
    assert_int_equal(fclose(to), 0);
}

static void each_table_is_printed_to_standard_output(void **)
{
    static const char *const TABLES[][2] = {{NULL, "[general]\n  listen: list"},
                                            {"--sample", "# The configuration of acmezone"},
                                            {"--markdown", "| `[general]` | Default |"},
                                            {"--help", "Usage: acmezone config "}};
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        assert_int_equal(run(TABLES[i][0], NULL, NULL), 0);
        assert_memory_equal(out, TABLES[i][1], strlen(TABLES[i][1]));
        assert_string_equal(err, "");
    }
}

static void a_wrong_command_line_gets_a_hint(void **)
{
    static const char *const LINES[][3] = {
        {"nonsense"},           {"--nonsense"},          {"-c"},
        {"-c", "test.cfg"},     {"--sample", "--check"}, {"--sample", "-c", "test.cfg"},
        {"--check", "test.cfg"}};
    write_config(DOMAIN);
    for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
        assert_int_equal(run(LINES[i][0], LINES[i][1], LINES[i][2]), 2);
        assert_string_equal(out, "");
        assert_non_null(strstr(err, "see \"acmezone config --help\""));
    }
}

static void a_file_is_checked_with_its_static_records(void **)
{
    write_config(DOMAIN "records = ['auth.example.org. A 192.0.2.1']\n");
    assert_int_equal(run("--check", "-c", "test.cfg"), 0);
    assert_string_equal(out, "test.cfg: the configuration is sound\n");
    assert_string_equal(err, "");

    write_config(DOMAIN "x = 1\n");
    assert_int_equal(run("--check", "-c", "test.cfg"), 0);
    assert_string_equal(err, "acmezone: warning: test.cfg:3: [general] x: unknown, ignored\n");

    write_config(DOMAIN "workers = 'many'\n");
    assert_int_equal(run("--check", "-c", "test.cfg"), 2);
    assert_string_equal(
        err, "acmezone: error: test.cfg:3: [general] workers: \"many\" is not a number; allowed: 0 to 256\n");
    assert_string_equal(out, "");

    write_config(DOMAIN "records = ['auth.example.org. A nonsense']\n");
    assert_int_equal(run("--check", "-c", "test.cfg"), 2);
    assert_non_null(strstr(err, "nonsense"));
    assert_string_equal(out, "");

    assert_int_equal(run("--check", "-c", "absent.cfg"), 1);
    assert_string_equal(err, "acmezone: error: absent.cfg: No such file or directory\n");
}

static int enter_folder(void **)
{
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **)
{
    unlink("test.cfg");
    unlink("out");
    unlink("err");
    return chdir("/") != 0 || rmdir(folder) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_is_printed_to_standard_output),
        cmocka_unit_test(a_wrong_command_line_gets_a_hint),
        cmocka_unit_test(a_file_is_checked_with_its_static_records),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

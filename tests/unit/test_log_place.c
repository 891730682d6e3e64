// SPDX-License-Identifier: MIT
// Where log lines go: standard output, standard error, a file that may be moved; and what is lost on the way.
#include "logbook.h"

#include "expect.h"

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Standard output and standard error go to the files "out" and "err" from here to release.
struct captured {
    int out;
    int err;
};

static struct captured capture(const struct logbook *book)
{
    char path[TEMPDIR_PATH_MAX];
    fflush(NULL);
    struct captured captured = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        FILE *file = fopen(tempdir_join(&book->dir, fd == STDOUT_FILENO ? "out" : "err", path), "a");
        assert_non_null(file);
        assert_true(dup2(fileno(file), fd) >= 0);
        fclose(file);
    }
    return captured;
}

static void release(struct captured captured)
{
    dup2(captured.out, STDOUT_FILENO);
    dup2(captured.err, STDERR_FILENO);
    close(captured.out);
    close(captured.err);
}

static void write_one_of_each(struct log *log)
{
    log_write(log, LOG_ERROR, "bad", LOG_STR("v", "a b"));
    log_write(log, LOG_INFO, "good");
}

static void errors_before_the_start_is_over_go_to_standard_error_as_text(void **state)
{
    struct logbook *book = *state;
    struct captured captured = capture(book);
    expect_ok(log_open(&book->log, &(struct log_options){.level = LOG_INFO, .is_json = true}));
    write_one_of_each(book->log);
    release(captured);
    logbook_expect(book, "err", "^acmezone: error: bad v=\"a b\"\n$");
    logbook_expect(book, "out", "^\\{[^\n]*\"good\"\\}\n$");

    captured = capture(book);
    log_ready(book->log);
    write_one_of_each(book->log);
    release(captured);
    logbook_expect(book, "err", "^$");
    logbook_expect(book, "out", "^\\{[^\n]*\"bad\"[^\n]*\\}\n\\{[^\n]*\"good\"\\}\n$");
}

static void with_a_file_early_errors_go_there_as_well(void **state)
{
    struct logbook *book = *state;
    char path[TEMPDIR_PATH_MAX];
    struct captured captured = capture(book);
    expect_ok(log_open(&book->log, &(struct log_options){.level = LOG_INFO,
                                                         .file = tempdir_join(&book->dir, "log", path),
                                                         .is_stdout_as_well = true}));
    write_one_of_each(book->log);
    release(captured);
    logbook_expect(book, "err", "^acmezone: error: bad v=\"a b\"\n$");
    logbook_expect(book, "log", LOGBOOK_TIME "error bad v=\"a b\"\n[^\n]* info good\n$");
    logbook_expect(book, "out", LOGBOOK_TIME "info good\n$");

    captured = capture(book);
    log_ready(book->log);
    write_one_of_each(book->log);
    release(captured);
    logbook_expect(book, "err", "^$");
    logbook_expect(book, "log", LOGBOOK_TIME "error bad v=\"a b\"\n[^\n]* info good\n$");
    logbook_expect(book, "out", LOGBOOK_TIME "error bad v=\"a b\"\n[^\n]* info good\n$");
}

static void a_file_alone_leaves_standard_output_empty(void **state)
{
    struct captured captured = capture(*state);
    write_one_of_each(logbook_open(*state, false, LOG_INFO));
    release(captured);
    logbook_expect(*state, "out", "^$");
    logbook_expect(*state, "err", "^$");
    logbook_expect(*state, "log", "bad.*good");
}

static void a_file_is_appended_to_and_closed_to_others(void **state)
{
    struct logbook *book = *state;
    char path[TEMPDIR_PATH_MAX];
    struct stat stat_;
    mode_t before = umask(0);
    log_write(logbook_open(book, false, LOG_INFO), LOG_INFO, "first");
    umask(before);
    log_close(book->log);
    log_write(logbook_open(book, false, LOG_INFO), LOG_INFO, "second");
    assert_int_equal(stat(tempdir_join(&book->dir, "log", path), &stat_), 0);
    assert_int_equal(stat_.st_mode, S_IFREG | 0640);
    logbook_expect(book, "log", "info first\n.*info second\n$");
}

static void a_file_that_cannot_be_opened_is_told_by_errno_alone(void **state)
{
    struct logbook *book = *state;
    char path[TEMPDIR_PATH_MAX];
    struct captured captured = capture(book);
    struct log *log = NULL;
    enum err err = log_open(&log, &(struct log_options){.file = tempdir_join(&book->dir, "no/log", path)});
    int reason = errno;
    release(captured);
    expect_err(err, ERR_SYSTEM);
    assert_int_equal(reason, ENOENT);
    assert_null(log);
    logbook_expect(book, "out", "^$");
    logbook_expect(book, "err", "^$");
}

static void a_moved_file_is_written_until_it_is_opened_anew(void **state)
{
    struct logbook *book = *state;
    char from[TEMPDIR_PATH_MAX], to[TEMPDIR_PATH_MAX];
    struct log *log = logbook_open(book, false, LOG_INFO);
    log_write(log, LOG_INFO, "one");
    assert_int_equal(rename(tempdir_join(&book->dir, "log", from), tempdir_join(&book->dir, "old", to)), 0);
    log_write(log, LOG_INFO, "two");
    expect_ok(log_reopen(log));
    log_write(log, LOG_INFO, "three");
    logbook_expect(book, "old", "info one\n.*info two\n$");
    logbook_expect(book, "log", LOGBOOK_TIME "info three\n$");
}

static void a_file_that_cannot_be_opened_anew_is_kept(void **state)
{
    struct logbook *book = *state;
    char folder[TEMPDIR_PATH_MAX], moved[TEMPDIR_PATH_MAX], path[TEMPDIR_PATH_MAX];
    assert_int_equal(mkdir(tempdir_join(&book->dir, "folder", folder), 0700), 0);
    expect_ok(log_open(&book->log,
                       &(struct log_options){.level = LOG_INFO, .file = tempdir_join(&book->dir, "folder/log", path)}));
    assert_int_equal(rename(folder, tempdir_join(&book->dir, "moved", moved)), 0);
    expect_err(log_reopen(book->log), ERR_SYSTEM);
    assert_int_equal(errno, ENOENT);
    log_write(book->log, LOG_INFO, "still here");
    logbook_expect(book, "moved/log", "still here\n$");
}

static void standard_output_need_not_be_opened_anew(void **state)
{
    struct logbook *book = *state;
    expect_ok(log_open(&book->log, &(struct log_options){.level = LOG_INFO}));
    expect_ok(log_reopen(book->log));
}

static void lines_that_could_not_be_written_are_counted(void **state)
{
    struct logbook *book = *state;
    expect_ok(log_open(&book->log, &(struct log_options){.level = LOG_INFO, .file = "/dev/full"}));
    assert_int_equal(log_n_lost(book->log), 0);
    for (unsigned i = 0; i < 3; i++)
        log_write(book->log, LOG_INFO, "x");
    log_write(book->log, LOG_DEBUG, "not of the level");
    assert_int_equal(log_n_lost(book->log), 3);
}

static void *write_many(void *log)
{
    for (unsigned i = 0; i < 300; i++)
        log_write(log, LOG_INFO, "thread.line", LOG_INT("i", i), LOG_STR("text", "some words"));
    return NULL;
}

static void lines_of_many_threads_stay_whole_while_the_file_is_opened_anew(void **state)
{
    struct logbook *book = *state;
    pthread_t threads[4];
    struct log *log = logbook_open(book, false, LOG_INFO);
    for (size_t i = 0; i < N_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, log), 0);
    for (unsigned i = 0; i < 20; i++)
        expect_ok(log_reopen(log));
    for (size_t i = 0; i < N_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    regex_t regex;
    assert_int_equal(
        regcomp(&regex, LOGBOOK_TIME "info thread\\.line i=[0-9]+ text=\"some words\"$", REG_EXTENDED | REG_NOSUB), 0);
    char *text = logbook_take(book, "log");
    unsigned n = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), n++)
        assert_int_equal(regexec(&regex, line, 0, NULL, 0), 0);
    assert_int_equal(n, 4 * 300);
    assert_int_equal(log_n_lost(log), 0);
    regfree(&regex);
    free(text);
}

#define IN_BOOK(name) cmocka_unit_test_setup_teardown(name, logbook_make, logbook_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOOK(errors_before_the_start_is_over_go_to_standard_error_as_text),
        IN_BOOK(with_a_file_early_errors_go_there_as_well),
        IN_BOOK(a_file_alone_leaves_standard_output_empty),
        IN_BOOK(a_file_is_appended_to_and_closed_to_others),
        IN_BOOK(a_file_that_cannot_be_opened_is_told_by_errno_alone),
        IN_BOOK(a_moved_file_is_written_until_it_is_opened_anew),
        IN_BOOK(a_file_that_cannot_be_opened_anew_is_kept),
        IN_BOOK(standard_output_need_not_be_opened_anew),
        IN_BOOK(lines_that_could_not_be_written_are_counted),
        IN_BOOK(lines_of_many_threads_stay_whole_while_the_file_is_opened_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

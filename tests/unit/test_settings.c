// SPDX-License-Identifier: MIT
// The config file of an acme-dns names its database, and becomes one of ours with two lines changed.
#include "settings.h"

#include "expect.h"
#include "tempdir.h"

#include <stdio.h>
#include <stdlib.h>

static struct tempdir dir;

static int make(void **)
{
    tempdir_make(&dir);
    return 0;
}

static int clean(void **)
{
    tempdir_remove(&dir);
    return 0;
}

static enum err read_text(const char *text, struct settings **settings, struct source_note *note)
{
    char path[TEMPDIR_PATH_MAX];
    tempdir_write(&dir, "old.cfg", text, strlen(text));
    return settings_read(settings, tempdir_join(&dir, "old.cfg", path), note);
}

static void the_database_is_found(void **)
{
    char beside[TEMPDIR_PATH_MAX];
    const struct {
        const char *text;
        const char *source;
    } cases[] = {
        {"[database]\nengine = \"sqlite3\"\nconnection = \"/var/lib/a.db\"", "/var/lib/a.db"},
        {"[Database]\nConnection = '/var/lib/a.db?_journal=WAL'\nEngine = 'SQLite'", "/var/lib/a.db"},
        {"[database]\nengine = \"sqlite\"\nconnection = \"beside.db\"", tempdir_join(&dir, "beside.db", beside)},
        {"[database]\nengine = \"postgres\"\nconnection = \"postgres://u:p@h/d?x=1\"", "postgres://u:p@h/d?x=1"},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct settings *settings;
        struct source_note note;
        expect_ok(read_text(cases[i].text, &settings, &note));
        assert_string_equal(settings_source(settings), cases[i].source);
        settings_free(settings);
    }
}

static void what_names_no_database_of_acme_dns_is_refused(void **)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"[database]\nengine = \"lmdb\"\nconnection = \"d\"", "old.cfg: engine \"lmdb\" is none of acme-dns"},
        {"[database]\nengine = \"sqlite\"", "old.cfg: it has no [database] engine and connection"},
        {"[database]\nengine = [\"sqlite\"]\nconnection = \"d\"",
         "old.cfg: it has no [database] engine and connection"},
        {"engine = \"sqlite\"\n[database\n", "old.cfg:2: "},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct settings *settings;
        struct source_note note;
        expect_err(read_text(cases[i].text, &settings, &note), ERR_SYNTAX);
        if (strstr(note.why, cases[i].why) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", note.why, cases[i].why);
    }
}

static void all_but_two_lines_stay(void **)
{
    struct settings *settings;
    struct source_note note;
    char *text = NULL;
    size_t n;
    expect_ok(
        read_text("# mine\r\n[database]\nengine = \"sqlite\" # x\n\n\tconnection = 'a'\n# end", &settings, &note));
    FILE *out = open_memstream(&text, &n);
    settings_write(settings, "/new", out);
    fclose(out);
    assert_string_equal(text, "# mine\r\n[database]\nengine = \"lmdb\"\n\nconnection = \"/new\"\n# end");
    free(text);
    settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_database_is_found),
        cmocka_unit_test(what_names_no_database_of_acme_dns_is_refused),
        cmocka_unit_test(all_but_two_lines_stay),
    };
    return cmocka_run_group_tests(tests, make, clean);
}

// SPDX-License-Identifier: MIT
#include "audit.h"

#include "expect.h"
#include "logbook.h"

#include <stdio.h>
#include <stdlib.h>

#define TXT "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"

static struct audit *open_audit(const struct logbook *book, const char *name, char path[static TEMPDIR_PATH_MAX])
{
    struct audit *audit;
    tempdir_join(&book->dir, name, path);
    expect_ok(audit_open(&audit, path, NULL));
    return audit;
}

static void an_act_that_was_done_is_one_line_of_json_with_what_is_known(void **state)
{
    char path[TEMPDIR_PATH_MAX];
    struct audit *audit = open_audit(*state, "audit", path);
    audit_note(audit, &(struct audit_act){.act = "update", .actor = "client", .account = "a", .ip = "192.0.2.7"});
    logbook_expect(*state, "audit",
                   "^\\{\"time\":\"[^\"]*\",\"level\":\"info\",\"event\":\"audit.update\",\"result\":\"done\","
                   "\"actor\":\"client\",\"account\":\"a\",\"ip\":\"192.0.2.7\"\\}\n$");
    audit_close(audit);
}

static void a_refusal_has_a_reason(void **state)
{
    char path[TEMPDIR_PATH_MAX];
    struct audit *audit = open_audit(*state, "audit", path);
    audit_note(audit, &(struct audit_act){.act = "update", .result = ERR_FORBIDDEN, .reason = "password"});
    logbook_expect(*state, "audit", "\"result\":\"refused\",\"reason\":\"password\"\\}\n$");
    audit_note(audit, &(struct audit_act){.act = "delete", .result = ERR_NOT_FOUND});
    logbook_expect(*state, "audit", "\"event\":\"audit.delete\",\"result\":\"refused\",\"reason\":\"not_found\"\\}\n$");
    audit_close(audit);
}

static void only_the_beginning_of_a_value_is_written(void **state)
{
    char path[TEMPDIR_PATH_MAX];
    struct audit *audit = open_audit(*state, "audit", path);
    audit_note(audit, &(struct audit_act){.act = "update", .value = TXT});
    logbook_expect(*state, "audit", "\"value\":\"LHDhK3oG…\"\\}\n$");
    audit_note(audit, &(struct audit_act){.act = "update", .value = "LHDhK3oG"});
    logbook_expect(*state, "audit", "\"value\":\"LHDhK3oG\"\\}\n$");
    audit_close(audit);
}

static void without_a_file_the_lines_go_to_the_log(void **state)
{
    struct audit *audit;
    struct log *log = logbook_open(*state, false, LOG_INFO);
    expect_ok(audit_open(&audit, "", log));
    audit_note(audit, &(struct audit_act){.act = "register", .token = "customers", .note = "two words"});
    logbook_expect(*state, "log", "info audit.register result=done token=customers note=\"two words\"\n$");
    expect_ok(audit_reopen(audit));
    assert_int_equal(audit_n_lost(audit), 0);
    audit_close(audit);
}

static void a_file_that_was_moved_is_made_anew(void **state)
{
    char path[TEMPDIR_PATH_MAX], moved[TEMPDIR_PATH_MAX + 2];
    struct audit *audit = open_audit(*state, "audit", path);
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(rename(path, moved), 0);
    expect_ok(audit_reopen(audit));
    audit_note(audit, &(struct audit_act){.act = "update"});
    logbook_expect(*state, "audit", "audit.update");
    audit_close(audit);
}

static void a_file_that_cannot_be_opened_is_an_error(void **state)
{
    char path[TEMPDIR_PATH_MAX];
    struct audit *audit = NULL;
    tempdir_join(&((const struct logbook *)*state)->dir, "no/audit", path);
    assert_int_equal(audit_open(&audit, path, NULL), ERR_SYSTEM);
    assert_null(audit);
}

static void no_audit_log_writes_nothing(void **)
{
    audit_note(NULL, &(struct audit_act){.act = "update"});
    expect_ok(audit_reopen(NULL));
    assert_int_equal(audit_n_lost(NULL), 0);
    audit_close(NULL);
}

#define IN_BOOK(name) cmocka_unit_test_setup_teardown(name, logbook_make, logbook_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOOK(an_act_that_was_done_is_one_line_of_json_with_what_is_known),
        IN_BOOK(a_refusal_has_a_reason),
        IN_BOOK(only_the_beginning_of_a_value_is_written),
        IN_BOOK(without_a_file_the_lines_go_to_the_log),
        IN_BOOK(a_file_that_was_moved_is_made_anew),
        IN_BOOK(a_file_that_cannot_be_opened_is_an_error),
        cmocka_unit_test(no_audit_log_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

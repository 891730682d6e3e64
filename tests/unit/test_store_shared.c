// SPDX-License-Identifier: MIT
// A store that two processes have open: both write, each sees what the other has committed, and readers always see one
// snapshot, whoever wrote it.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_OURS = 300, N_THEIRS = 300 };

// An environment must not be used by a child, so each process opens the store itself. A child tells by its exit status.
static pid_t start_child(struct vault *vault, bool (*act)(struct vault *))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool is_well = vault_open(vault, VAULT_USUAL) == ERR_OK && act(vault);
        if (is_well)
            vault_close(vault);
        _exit(is_well ? 0 : 1);
    }
    return child;
}

static void expect_well(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool write_ours(struct vault *vault)
{
    for (unsigned i = 0; i < N_OURS; i++)
        if (writing_update(vault->store, "sub", i % 2 ? "ours" : "also ours") != ERR_OK)
            return false;
    return true;
}

static bool write_theirs(struct vault *vault)
{
    for (unsigned i = 0; i < N_THEIRS; i++)
        if (writing_update(vault->store, "sub", i % 2 ? "theirs" : "also theirs") != ERR_OK)
            return false;
    return writing_register(vault->store, "child") == ERR_OK;
}

// Until the other two have ended: the snapshots never go back, and the values are there in each, found one by one and
// together.
static bool read_all_the_while(struct vault *vault)
{
    static const struct bytes labels[] = {{(const uint8_t *)"sub", 3},
                                          {(const uint8_t *)"a", 1},
                                          {(const uint8_t *)"SUB", 3},
                                          {(const uint8_t *)"b", 1},
                                          {(const uint8_t *)"missing", 7}};
    const uint64_t last = 3 + N_OURS + N_THEIRS + 1;
    for (uint64_t before = 0, now = 0; now != last; before = now) {
        struct txt txt;
        if (store_begin(vault->reader) != ERR_OK)
            return false;
        now = store_revision(vault->reader);
        store_look_ahead(vault->reader, labels, N_OF(labels));
        if (now < before || store_find_txt(vault->reader, labels[0], &txt) != ERR_OK ||
            txt.n_values != (now < 4   ? 0
                             : now < 5 ? 1
                                       : 2) ||
            store_find_txt(vault->reader, labels[1], &txt) != ERR_OK ||
            store_find_txt(vault->reader, labels[4], &txt) != ERR_NOT_FOUND)
            return false;
        store_end(vault->reader);
    }
    return true;
}

static void a_store_is_changed_by_two_processes_and_each_sees_the_other(void **)
{
    struct vault *vault = vault_new();
    expect_ok(vault_open(vault, VAULT_USUAL));
    for (const char *const *name = (const char *const[]){"sub", "a", "b", NULL}; *name != NULL; name++)
        expect_ok(writing_register(vault->store, *name));
    vault_close(vault);
    const pid_t children[] = {start_child(vault, read_all_the_while), start_child(vault, write_ours),
                              start_child(vault, write_theirs)};
    for (size_t i = 0; i < N_OF(children); i++)
        expect_well(children[i]);
    expect_ok(vault_open(vault, VAULT_USUAL));
    assert_int_equal(vault_revision(vault), 3 + N_OURS + N_THEIRS + 1);
    vault_expect_values(vault, "child", "");
    vault_free(vault);
}

static int go[2]; // a pipe

static bool die_reading(struct vault *vault)
{
    if (store_begin(vault->reader) == ERR_OK)
        _exit(0); // with the snapshot open
    return false;
}

// The pages that a dead reader holds would be kept for ever, and the file grow with each change.
static void a_reader_of_another_process_that_died_holds_no_pages_back(void **)
{
    struct vault *vault = vault_new();
    char byte;
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool is_well = read(go[0], &byte, 1) == 1 && vault_open(vault, (struct vault_size){1 << 20, 2}) == ERR_OK;
        _exit(is_well && die_reading(vault) ? 0 : 1);
    }
    expect_ok(vault_open(vault, (struct vault_size){1 << 20, 2}));
    assert_int_equal(write(go[1], "x", 1), 1);
    expect_well(child);
    expect_ok(writing_register(vault->store, "sub"));
    for (unsigned i = 0; i < 500; i++) // some pages each
        expect_ok(writing_update(vault->store, "sub", i % 2 ? "x" : "y"));
    vault_free(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_is_changed_by_two_processes_and_each_sees_the_other),
        cmocka_unit_test(a_reader_of_another_process_that_died_holds_no_pages_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

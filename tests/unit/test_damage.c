// SPDX-License-Identifier: MIT
// A damaged file: refused at the start, or it answers as if nothing were wrong; and where it is too large to be checked
// whole, what is damaged is an error, but nothing ends the process and no wrong value is ever given out.
//
// Which bytes are damaged is random, but the same in each run.
#include "vault.h"

#include "expect.h"
#include "writing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    HEADER = 152,
    N_ACCOUNTS = 150,
    N_LARGE = 3,
    LARGE_BYTES = 3000,
    N_FLIPS = 1500,
    N_BLIND_FLIPS = 600
};

struct image {
    struct vault *vault;
    char *bytes;
    size_t n;
    uint64_t random;
};

// SplitMix64.
static uint64_t draw(struct image *image, uint64_t below)
{
    uint64_t z = image->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

static const char *name_of(unsigned i, char name[24])
{
    snprintf(name, 24, "account-%u", i);
    return name;
}

static int open_image(void **state)
{
    struct image *image = calloc(1, sizeof *image);
    static uint8_t hash[LARGE_BYTES];
    char name[24];
    image->vault = vault_new();
    expect_ok(vault_open(image->vault, VAULT_USUAL));
    for (unsigned i = 0; i < N_ACCOUNTS; i++) {
        expect_ok(writing_register(image->vault->store, name_of(i, name)));
        expect_ok(writing_update(image->vault->store, name, name));
    }
    for (unsigned i = 0; i < N_LARGE; i++) { // records on pages of their own
        snprintf(name, sizeof name, "large-%u", i);
        struct change change = {.kind = CHANGE_REGISTER,
                                .account = {.username = writing_username(name),
                                            .subdomain = bytes_of_text(name),
                                            .hash = {hash, sizeof hash}}};
        expect_ok(writing_submit(image->vault->store, &change));
    }
    vault_close(image->vault);
    image->bytes = tempdir_read(&image->vault->dir, "data/data.mdb", &image->n);
    *state = image;
    return 0;
}

static int free_image(void **state)
{
    struct image *image = *state;
    vault_free(image->vault);
    free(image->bytes);
    free(image);
    return 0;
}

static void put_image(const struct image *image)
{
    tempdir_write(&image->vault->dir, "data/data.mdb", image->bytes, image->n);
}

enum how { CHECKED, BLIND };

// Opens, or has been refused with one clear line.
static bool opens(struct image *image, enum how how)
{
    image->vault->is_unchecked = how == BLIND;
    enum err err = vault_open(image->vault, VAULT_USUAL);
    char *log = vault_take_log(image->vault);
    if (err == ERR_OK ? log[0] != '\0' : strstr(log, " store.refused ") == NULL || strchr(log, '\n')[1] != '\0')
        fail_msg("\"%s\", and logged: %s", err_text(err), log);
    if (err != ERR_OK && err != ERR_CORRUPT && err != ERR_NEWER)
        fail_msg("refused with %s", log);
    free(log);
    return err == ERR_OK;
}

// What a subdomain's look-up gives: an error, or exactly the value that was put.
static enum err look_up(const struct vault *vault, const char *name)
{
    struct txt txt;
    enum err err = store_begin(vault->reader);
    if (err != ERR_OK)
        return err;
    err = store_find_txt(vault->reader, bytes_of_text(name), &txt);
    if (err == ERR_OK) {
        struct bytes value = writing_rdata(name);
        assert_int_equal(txt.n_values, 1);
        assert_int_equal(txt.rdata.n, 2 + value.n);
        assert_memory_equal(txt.rdata.at + 2, value.at, value.n);
    }
    store_end(vault->reader);
    return err;
}

static void expect_all(const struct vault *vault)
{
    char name[24];
    for (unsigned i = 0; i < N_ACCOUNTS; i++)
        expect_ok(look_up(vault, name_of(i, name)));
}

static size_t draw_place(struct image *image, unsigned round)
{
    if (round < 2 * HEADER) // each byte of both headers
        return round % HEADER + round / HEADER * PAGE;
    return draw(image, image->n);
}

static void a_flipped_byte_is_refused_or_harms_nothing(void **state)
{
    struct image *image = *state;
    unsigned n_refused = 0;
    for (unsigned round = 0; round < N_FLIPS; round++) {
        size_t at = draw_place(image, round);
        char before = image->bytes[at];
        image->bytes[at] ^= (char)(1 + draw(image, 255));
        put_image(image);
        image->bytes[at] = before;
        if (!opens(image, CHECKED)) {
            n_refused++;
            continue;
        }
        expect_all(image->vault);
        vault_close(image->vault);
    }
    assert_in_range(n_refused, N_FLIPS / 4, N_FLIPS);
}

// Reading and writing go on as far as they can.
static void use_blindly(struct image *image, unsigned *n_errors)
{
    struct vault *vault = image->vault;
    char name[24];
    for (unsigned i = 0; i < N_ACCOUNTS; i++)
        *n_errors += look_up(vault, name_of(i, name)) != ERR_OK;
    for (unsigned i = 0; i < 4; i++) {
        name_of((unsigned)draw(image, N_ACCOUNTS), name);
        enum err err = writing_update(vault->store, name, name);
        assert_true(err == ERR_OK || err == ERR_CORRUPT || err == ERR_STORE || err == ERR_NOT_FOUND);
        assert_true(err != ERR_OK || look_up(vault, name) == ERR_OK);
    }
    snprintf(name, sizeof name, "new-%u", (unsigned)draw(image, 1000));
    enum err err = writing_register(vault->store, name);
    assert_true(err == ERR_OK || err == ERR_CORRUPT || err == ERR_STORE);
}

static void without_a_check_damage_is_an_error_where_it_is_met(void **state)
{
    struct image *image = *state;
    unsigned n_errors = 0, n_opened = 0;
    for (unsigned round = 0; round < N_BLIND_FLIPS; round++) {
        size_t at = 2 * PAGE + draw(image, image->n - 2 * PAGE);
        size_t n = 1 + draw(image, 8);
        char before[8];
        n = n < image->n - at ? n : image->n - at;
        memcpy(before, image->bytes + at, n);
        for (size_t i = 0; i < n; i++)
            image->bytes[at + i] = (char)draw(image, 256);
        put_image(image);
        memcpy(image->bytes + at, before, n);
        if (!opens(image, BLIND))
            continue;
        n_opened++;
        use_blindly(image, &n_errors);
        vault_close(image->vault);
        free(vault_take_log(image->vault));
    }
    assert_in_range(n_opened, N_BLIND_FLIPS / 2, N_BLIND_FLIPS);
    assert_in_range(n_errors, N_BLIND_FLIPS / 20, N_BLIND_FLIPS * N_ACCOUNTS);
}

static void a_page_of_garbage_is_an_error_where_it_is_met(void **state)
{
    struct image *image = *state;
    char before[PAGE];
    unsigned n_errors = 0;
    for (size_t at = 2 * PAGE; at < image->n; at += PAGE)
        for (unsigned kind = 0; kind < 3; kind++) {
            memcpy(before, image->bytes + at, PAGE);
            for (size_t i = kind == 2 ? 16 : 0; i < PAGE; i++) // a page that only begins like one
                image->bytes[at + i] = (char)(kind == 0 ? 0 : draw(image, 256));
            put_image(image);
            memcpy(image->bytes + at, before, PAGE);
            if (!opens(image, BLIND))
                continue;
            use_blindly(image, &n_errors);
            vault_close(image->vault);
            free(vault_take_log(image->vault));
        }
    assert_in_range(n_errors, N_ACCOUNTS, INT32_MAX);
}

// A page in the place of another one, whole in itself.
static void pages_that_are_swapped_are_refused(void **state)
{
    struct image *image = *state;
    char page[PAGE];
    size_t n_pages = image->n / PAGE;
    for (unsigned i = 0; i < 50; i++) {
        char *a = image->bytes + PAGE * (2 + draw(image, n_pages - 2));
        char *b = image->bytes + PAGE * (2 + draw(image, n_pages - 2));
        memcpy(page, a, PAGE);
        memcpy(a, b, PAGE);
        memcpy(b, page, PAGE);
        put_image(image);
        memcpy(b, a, PAGE);
        memcpy(a, page, PAGE);
        if (opens(image, CHECKED)) {
            expect_all(image->vault);
            vault_close(image->vault);
        }
    }
}

static uint64_t number_at(const struct image *image, size_t at)
{
    uint64_t number;
    memcpy(&number, image->bytes + at, sizeof number);
    return number;
}

// A write would take it for another record while it is in use: so this is looked for however large the file is.
static void a_used_page_in_the_list_of_free_ones_is_refused(void **state)
{
    struct image *image = *state;
    enum { FREE_ROOT = 80, MAIN_ROOT = 128, TXN = 144, FIRST_NODE = 16, NODE_HEAD = 8, KEY = 8 };
    size_t header = number_at(image, PAGE + TXN) > number_at(image, TXN) ? PAGE : 0;
    size_t list = number_at(image, header + FREE_ROOT) * PAGE;
    uint16_t node;
    memcpy(&node, image->bytes + list + FIRST_NODE, sizeof node);
    size_t first = list + node + NODE_HEAD + KEY + sizeof(uint64_t); // behind how many there are
    uint64_t used = number_at(image, header + MAIN_ROOT), n = number_at(image, first - sizeof n);
    assert_in_range(n, 1, 100);
    for (uint64_t i = 0; i < n; i++) // in descending order, whatever the number
        memcpy(image->bytes + first + 8 * i, &(uint64_t){i + 1 < n ? used + n - 1 - i : used}, 8);
    put_image(image);
    assert_false(opens(image, CHECKED));
    assert_false(opens(image, BLIND));
}

// A record that is whole but belongs to another key, and a record that was changed: the seal tells.
static void a_changed_value_is_never_given_out(void **state)
{
    struct image *image = *state;
    char *at = memmem(image->bytes + 2 * PAGE, image->n - 2 * PAGE, "\012account-77", 11);
    assert_non_null(at);
    for (; at != NULL; at = memmem(at + 1, (size_t)(image->bytes + image->n - at - 1), "\012account-77", 11))
        at[10] = '8';
    put_image(image);
    assert_false(opens(image, CHECKED));
    assert_true(opens(image, BLIND));
    expect_err(look_up(image->vault, "account-77"), ERR_CORRUPT);
    expect_ok(look_up(image->vault, "account-78"));
    expect_err(writing_update(image->vault->store, "account-77", "x"), ERR_CORRUPT);
    expect_ok(writing_update(image->vault->store, "account-78", "account-78"));
    char *log = vault_take_log(image->vault);
    assert_non_null(strstr(log, " error store.damaged "));
    assert_ptr_equal(strstr(strstr(log, "store.damaged") + 1, "store.damaged"), NULL);
    free(log);
}

static void a_file_that_is_cut_while_it_is_open_is_an_error(void **state)
{
    struct image *image = *state;
    char path[TEMPDIR_PATH_MAX], name[24];
    for (size_t pages = 0; pages < image->n / PAGE; pages += pages < 4 ? 1 : 7) {
        put_image(image);
        assert_true(opens(image, BLIND));
        expect_all(image->vault);
        assert_int_equal(truncate(tempdir_join(&image->vault->dir, "data/data.mdb", path), (off_t)(pages * PAGE)), 0);
        unsigned n_errors = 0;
        for (unsigned i = 0; i < N_ACCOUNTS; i++)
            n_errors += look_up(image->vault, name_of(i, name)) != ERR_OK;
        assert_true(pages > 4 || n_errors == N_ACCOUNTS);
        for (unsigned i = 0; i < 3; i++) {
            enum err err = writing_update(image->vault->store, "account-1", "account-1");
            assert_true(pages > 4 || err == ERR_STORE || err == ERR_CORRUPT);
            (void)look_up(image->vault, "account-1");
        }
        vault_close(image->vault);
        free(vault_take_log(image->vault));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flipped_byte_is_refused_or_harms_nothing, open_image, free_image),
        cmocka_unit_test_setup_teardown(without_a_check_damage_is_an_error_where_it_is_met, open_image, free_image),
        cmocka_unit_test_setup_teardown(a_page_of_garbage_is_an_error_where_it_is_met, open_image, free_image),
        cmocka_unit_test_setup_teardown(pages_that_are_swapped_are_refused, open_image, free_image),
        cmocka_unit_test_setup_teardown(a_used_page_in_the_list_of_free_ones_is_refused, open_image, free_image),
        cmocka_unit_test_setup_teardown(a_changed_value_is_never_given_out, open_image, free_image),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_while_it_is_open_is_an_error, open_image, free_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

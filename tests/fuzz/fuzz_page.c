// SPDX-License-Identifier: MIT
// A store's file with some of its bytes changed. Nothing outside of it is looked at; a file that passes the whole check
// holds every value that was put into it; one that passes the quick check gives out the right value, or none, or what
// was there before, which a free page may still hold.
//
// The input is a list of changes to a file that the store itself made: three bytes of place, one of length, the bytes.
// A place of all ones cuts the file.
#include "check.h"
#include "descent.h"
#include "fuzz.h"
#include "header.h"
#include "record.h"
#include "stage.h"
#include "writing.h"

enum { PAGE = 4096, N_ACCOUNTS = 50, CUT = 0xffffff };

static char *image;
static size_t n_image;

static const char *name_of(unsigned i, char name[24])
{
    snprintf(name, 24, "account-%u", i);
    return name;
}

static void make_image(void)
{
    struct stage *stage = stage_open("[general]\ndomain = \"example.org\"\n");
    struct tempdir dir = stage->dir;
    uint8_t hash[6000] = {0};
    char name[24];
    for (unsigned i = 0; i < N_ACCOUNTS; i++)
        stage_register(stage, name_of(i, name), (const char *const[]){name, NULL});
    struct change change = {.kind = CHANGE_REGISTER,
                            .account = {.username = writing_username("large"),
                                        .subdomain = bytes_of_text("large"),
                                        .hash = {hash, sizeof hash}}};
    require(writing_submit(stage->store, &change) == ERR_OK, "a store");
    image = tempdir_read(&dir, "data/data.mdb", &n_image);
    stage_close(stage);
    require(n_image % PAGE == 0 && n_image / PAGE > 10, "a file of pages");
}

static void free_image(void)
{
    free(image);
}

// The file after the changes, in memory of just its length.
static uint8_t *change_image(struct bytes in, size_t *n)
{
    *n = n_image;
    uint8_t *file = malloc(n_image);
    memcpy(file, image, n_image);
    while (in.n > 3) {
        size_t place = (size_t)fuzz_take(&in) << 16;
        place |= (size_t)fuzz_take(&in) << 8;
        place |= fuzz_take(&in);
        size_t n_bytes = fuzz_take(&in);
        n_bytes = n_bytes < in.n ? n_bytes : in.n;
        if (place == CUT)
            *n = n_bytes * PAGE < n_image ? n_bytes * PAGE : n_image;
        else
            for (size_t i = 0; i < n_bytes; i++)
                file[(place + i) % n_image] = in.at[i];
        in.at += place == CUT ? 0 : n_bytes;
        in.n -= place == CUT ? 0 : n_bytes;
    }
    uint8_t *cut = fuzz_copy((struct bytes){file, *n});
    free(file);
    return cut;
}

// Whether the value is there; when one is, it is the right one.
static bool look_up(const struct pages *pages, const struct page_tree *tree, const char *name)
{
    struct bytes record, value = writing_rdata(name);
    struct txt txt;
    enum err err = descent_find_one(pages, tree, bytes_of_text(name), &record);
    if (err == ERR_OK)
        err = record_unseal(bytes_of_text(name), &record);
    if (err != ERR_OK)
        return false;
    require(record_read_txt(record, &txt) == ERR_OK && txt.n_values <= 1, "a sealed record does not decode");
    if (txt.n_values == 0)
        return false;
    require(txt.rdata.n == 2 + value.n && memcmp(txt.rdata.at + 2, value.at, value.n) == 0, "another value");
    return true;
}

// A batch finds what each look-up finds alone.
static void look_up_all(const struct pages *pages, const struct page_tree *tree)
{
    char names[DESCENT_MAX][24];
    struct descent descents[DESCENT_MAX];
    for (unsigned i = 0; i < DESCENT_MAX; i++)
        descents[i].key = bytes_of_text(name_of(i * 2, names[i])); // the last ones are not there
    descent_find(pages, tree, descents, DESCENT_MAX);
    for (unsigned i = 0; i < DESCENT_MAX; i++) {
        struct bytes record = {0};
        enum err err = descent_find_one(pages, tree, descents[i].key, &record);
        require(err == descents[i].err, "another outcome alone");
        require(err != ERR_OK || (record.at == descents[i].record.at && record.n == descents[i].record.n),
                "another record alone");
    }
}

static void use(const struct pages *pages, bool is_checked)
{
    char name[24];
    struct page_node_range range;
    struct page_tree values, accounts;
    enum err err = descent_find_tree(pages, "values", &values);
    require(err == ERR_OK, "a table is lost");
    look_up_all(pages, &values);
    for (unsigned i = 0; i < N_ACCOUNTS && err == ERR_OK; i++) {
        bool is_there = look_up(pages, &values, name_of(i, name));
        require(!is_checked || is_there, "a value is lost");
        bool is_sound = i % 8 != 0 || check_path(pages, &values, bytes_of_text(name), &range) == ERR_OK;
        require(!is_checked || is_sound, "a path is damaged");
    }
    if (descent_find_tree(pages, "accounts", &accounts) == ERR_OK)
        (void)!check_path(pages, &accounts, bytes_of_text("large"), &range);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (image == NULL) {
        make_image();
        atexit(free_image);
    }
    size_t n_file;
    uint8_t *file = change_image((struct bytes){data, n}, &n_file);
    struct bytes map = {file, n_file};
    for (unsigned which = 0; which < 2; which++) {
        struct pages pages = {.at = file}, other = {.at = file};
        if (n_file < 2 * PAGE || header_read(&pages, (struct bytes){file + which * PAGE, PAGE}, which) != ERR_OK ||
            header_read_lightly(&other, (struct bytes){file + (1 - which) * PAGE, PAGE}, 1 - which) != ERR_OK ||
            pages.txn < other.txn || header_open(&pages, map, PAGE, pages.txn) != ERR_OK)
            continue;
        const char *why;
        const struct check_extent whole = {n_file / PAGE, UINT64_MAX}, quick = {n_file / PAGE, 0};
        bool is_checked = check_file(&pages, &whole, &why) == ERR_OK;
        bool is_opened = check_file(&pages, &quick, &why) == ERR_OK;
        require(!is_checked || is_opened, "whole, but not in parts");
        if (is_opened)
            use(&pages, is_checked);
    }
    free(file);
    return 0;
}

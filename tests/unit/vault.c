// SPDX-License-Identifier: MIT
// Values are shown as text: each is one character-string in the tests.
#include "vault.h"

#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct vault *vault_new(void)
{
    char path[TEMPDIR_PATH_MAX];
    struct vault *self = calloc(1, sizeof *self);
    assert_non_null(self);
    tempdir_make(&self->dir);
    expect_ok(
        log_open(&self->log, &(struct log_options){.level = LOG_DEBUG, .file = tempdir_join(&self->dir, "log", path)}));
    log_ready(self->log);
    return self;
}

void vault_free(struct vault *vault)
{
    if (vault->store != NULL)
        vault_close(vault);
    log_close(vault->log);
    tempdir_remove(&vault->dir);
    free(vault);
}

enum err vault_open(struct vault *vault, struct vault_size size)
{
    char path[TEMPDIR_PATH_MAX];
    const struct store_options options = {.directory = tempdir_join(&vault->dir, "data", path),
                                          .map_bytes = size.map_bytes,
                                          .n_values = size.n_values,
                                          .n_readers = 4,
                                          .check_max_bytes = vault->is_unchecked ? 0 : UINT64_MAX,
                                          .log = vault->log};
    enum err err = store_open(&vault->store, &options);
    if (err == ERR_OK)
        expect_ok(store_reader_open(&vault->reader, vault->store));
    return err;
}

void vault_close(struct vault *vault)
{
    store_reader_close(vault->reader);
    store_close(vault->store);
    vault->reader = NULL;
    vault->store = NULL;
}

char *vault_take_log(struct vault *vault)
{
    char path[TEMPDIR_PATH_MAX];
    size_t n;
    char *text = tempdir_read(&vault->dir, "log", &n);
    assert_int_equal(truncate(tempdir_join(&vault->dir, "log", path), 0), 0);
    return text;
}

static void write_values(FILE *out, const struct txt *txt)
{
    struct reader r = reader_of(txt->rdata.at, txt->rdata.n);
    for (unsigned i = 0; i < txt->n_values; i++) {
        size_t n = take_u16(&r);
        const uint8_t *rdata = take_bytes(&r, n);
        assert_true(rdata != NULL && n != 0 && rdata[0] == n - 1);
        fprintf(out, " %.*s", (int)(n - 1), (const char *)rdata + 1);
    }
    assert_true(reader_is_done(&r));
}

char *vault_values(struct vault *vault, const char *subdomain)
{
    char *text = NULL;
    size_t n;
    struct txt txt;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    expect_ok(store_begin(vault->reader));
    enum err err = store_find_txt(vault->reader, bytes_of_text(subdomain), &txt);
    assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
    if (err == ERR_OK)
        write_values(out, &txt);
    else
        fputc('-', out);
    store_end(vault->reader);
    assert_int_equal(fclose(out), 0);
    return text;
}

void vault_expect_values(struct vault *vault, const char *subdomain, const char *values)
{
    char *got = vault_values(vault, subdomain);
    assert_string_equal(got, values);
    free(got);
}

uint64_t vault_revision(struct vault *vault)
{
    expect_ok(store_begin(vault->reader));
    uint64_t revision = store_revision(vault->reader);
    store_end(vault->reader);
    return revision;
}

uint64_t vault_count(const struct vault *vault, enum counter which)
{
    return counter_value(store_counters(vault->store), which);
}

// SPDX-License-Identifier: MIT
// The columns of ERR_LIST as one table, indexed by the enum.
#include "err.h"

#include <assert.h>
#include <stddef.h>

static const struct row {
    unsigned http_status;
    const char *word;
    const char *text;
} rows[] = {
#define ERR_ROW(name, status, word, text) {status, word, text},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

static const struct row *find_row(enum err err)
{
    assert((size_t)err < sizeof rows / sizeof rows[0]);
    return &rows[err];
}

const char *err_text(enum err err)
{
    return find_row(err)->text;
}

const char *err_word(enum err err)
{
    return find_row(err)->word;
}

unsigned err_http_status(enum err err)
{
    return find_row(err)->http_status;
}

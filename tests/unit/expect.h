// SPDX-License-Identifier: MIT
// expect: cmocka with the headers it wants in front of it, and assertions in the terms of this house.
#pragma once

#include "err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N_OF(array) (sizeof(array) / sizeof *(array))

// The call must give this error; the message says which it gave.
#define expect_err(call, wanted) expect_err_at((call), (wanted), #call, __LINE__)
#define expect_ok(call)          expect_err(call, ERR_OK)

static inline void expect_err_at(enum err got, enum err wanted, const char *call, int line)
{
    if (got != wanted)
        fail_msg("line %d: %s gave \"%s\", not \"%s\"", line, call, err_text(got), err_text(wanted));
}

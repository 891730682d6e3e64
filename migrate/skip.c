// SPDX-License-Identifier: MIT
// The texts out of the list; the words are the names in lower case.
#include "skip.h"

#include <assert.h>

static const char *const texts[] = {
#define SKIP_TEXT(name, text) [SKIP_##name] = (text),
    SKIP_LIST(SKIP_TEXT)
#undef SKIP_TEXT
};

static const char *const words[] = {
    [SKIP_NONE] = "none",
    [SKIP_LINE] = "bad_line",
    [SKIP_USERNAME] = "bad_username",
    [SKIP_SUBDOMAIN] = "bad_subdomain",
    [SKIP_HASH] = "bad_hash",
    [SKIP_ALLOWFROM] = "bad_allowfrom",
    [SKIP_SIZE] = "too_large",
    [SKIP_TAKEN] = "taken",
    [SKIP_VALUE] = "bad_value",
};

static_assert(sizeof words / sizeof words[0] == N_SKIPS);

const char *skip_text(enum skip skip)
{
    return texts[skip];
}

const char *skip_word(enum skip skip)
{
    return words[skip];
}

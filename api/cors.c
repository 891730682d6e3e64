// SPDX-License-Identifier: MIT
// A pattern is an origin in which each '*' stands for any run of characters. Letters fold, as scheme and host do. An
// origin that no pattern fits gets an answer without CORS headers, and the browser keeps it from the page.
#include "cors.h"

#include <ctype.h>

static char fold(char c)
{
    return (char)tolower((unsigned char)c);
}

// The usual walk with one step back: after a mismatch the last '*' takes one character more.
static bool fits(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *resume = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (fold(*pattern) == fold(*text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_everybody(const char *pattern)
{
    return strcmp(pattern, "*") == 0;
}

const char *cors_find(const struct texts *patterns, const char *origin)
{
    if (origin == NULL)
        return NULL;
    for (size_t i = 0; i < patterns->n; i++)
        if (is_everybody(patterns->at[i]))
            return "*";
    for (size_t i = 0; i < patterns->n; i++)
        if (fits(patterns->at[i], origin))
            return origin;
    return NULL;
}

bool cors_varies(const struct texts *patterns)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (is_everybody(patterns->at[i]))
            return false;
    return patterns->n > 0;
}

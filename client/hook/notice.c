// SPDX-License-Identifier: MIT
// The waiting line ends in a carriage return and is wiped before anything else is said.
#include "notice.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static const char PREFIX[] = "acmezone hook: ";
static const char WIPE[] = "\r\033[K";

static bool is_waiting;

static void say(const char *end, const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    fprintf(stderr, "%s%s%s%s", is_waiting ? WIPE : "", PREFIX, text, end);
    fflush(stderr);
}

void notice(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("\n", format, args);
    va_end(args);
    is_waiting = false;
}

void notice_waiting(const char *format, ...)
{
    if (!isatty(STDERR_FILENO))
        return;
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
    is_waiting = true;
}

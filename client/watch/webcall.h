// SPDX-License-Identifier: MIT
// webcall: one POST of JSON, by libcurl. Blocks for at most `timeout_ms`. ask_start (ask.h) comes first.
#pragma once

#include "err.h"

#include <stddef.h>

#define WEBCALL_TEXT_MAX 256

struct webcall {
    const char *url; // http or https
    const char *body;
    const char *const *headers; // beside Content-Type; NULL at the end, or NULL
    const char *ca_file;        // NULL: the system's authorities
    unsigned timeout_ms;
};

struct webcall_answer {
    long status; // of HTTP
    unsigned took_ms;
    char text[WEBCALL_TEXT_MAX]; // the body's beginning; or what went wrong before there was a status
};

// ERR_UNREACHABLE: no answer, `text` says why; else the answer's status is the caller's to judge. ERR_MEMORY.
enum err webcall(const struct webcall *call, struct webcall_answer *answer);

// SPDX-License-Identifier: MIT
// drive: lets a libuv loop turn a multi handle of libcurl. For channel.c alone.
#pragma once

#include "err.h"

#include <curl/curl.h>
#include <uv.h>

struct drive;

// Sets the multi handle's callbacks. ERR_MEMORY.
enum err drive_open(struct drive **drive, uv_loop_t *loop, CURLM *multi);

// `on_driven` is called whenever libcurl has run, outside its callbacks; it may close the drive.
void drive_set_handler(struct drive *drive, void (*on_driven)(void *context), void *context);

// After curl_multi_cleanup. Memory is given back on a later turn of the loop.
void drive_close(struct drive *drive);

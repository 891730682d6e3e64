// SPDX-License-Identifier: MIT
// inbox: the way back to the loop from threads that are not the loop's.
//
// A letter is part of some larger thing that another thread has finished with. Posting gives the thing back: from then
// on it belongs to the loop's thread, which opens letters in the order in which they were posted. inbox_post may be
// called on any thread; all else on the loop's.
#pragma once

#include "err.h"

#include <uv.h>

struct inbox;

// A letter is in at most one inbox, once.
struct letter {
    void (*on_open)(void *owner); // on the loop's thread; may post again
    void *owner;
    struct letter *next; // the inbox's, from inbox_post to on_open
};

// `on_emptied` is called after each batch of letters. ERR_SYSTEM, ERR_MEMORY.
enum err inbox_open(struct inbox **inbox, uv_loop_t *loop, void (*on_emptied)(void *context), void *context);

void inbox_post(struct inbox *inbox, struct letter *letter);

// No letter may be on its way. `on_closed` is called on the loop; the inbox is freed by then.
void inbox_close(struct inbox *inbox, void (*on_closed)(void *context), void *context);

// SPDX-License-Identifier: MIT
// A list under a mutex and a uv_async_t to wake the loop. libuv folds many wake-ups into one, which is what makes a
// group commit cheap here: its changes come back in one batch, and the connections they belong to are served in one
// run. The list is taken as a whole, so the mutex is held for a few instructions and never while a letter is opened.
#include "inbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct inbox {
    uv_async_t async;
    void (*on_emptied)(void *context);
    void (*on_closed)(void *context);
    void *context;

    pthread_mutex_t mutex; // guards the list
    struct letter *first;
    struct letter **last;
};

static struct letter *take_all(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    struct letter *letters = inbox->first;
    inbox->first = NULL;
    inbox->last = &inbox->first;
    pthread_mutex_unlock(&inbox->mutex);
    return letters;
}

static void on_async(uv_async_t *async)
{
    struct inbox *inbox = async->data;
    for (struct letter *letter = take_all(inbox), *next; letter != NULL; letter = next) {
        next = letter->next;
        letter->on_open(letter->owner);
    }
    inbox->on_emptied(inbox->context);
}

enum err inbox_open(struct inbox **inbox, uv_loop_t *loop, void (*on_emptied)(void *context), void *context)
{
    struct inbox *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    if (uv_async_init(loop, &self->async, on_async) != 0) {
        free(self);
        return ERR_SYSTEM;
    }
    self->async.data = self;
    self->on_emptied = on_emptied;
    self->context = context;
    self->last = &self->first;
    pthread_mutex_init(&self->mutex, NULL);
    *inbox = self;
    return ERR_OK;
}

void inbox_post(struct inbox *inbox, struct letter *letter)
{
    letter->next = NULL;
    pthread_mutex_lock(&inbox->mutex);
    *inbox->last = letter;
    inbox->last = &letter->next;
    // Under the mutex: the loop may close the inbox as soon as it has taken the last letter, so nothing of the inbox
    // may be touched after the loop could have seen it.
    uv_async_send(&inbox->async);
    pthread_mutex_unlock(&inbox->mutex);
}

static void on_close(uv_handle_t *handle)
{
    struct inbox *inbox = handle->data;
    void (*on_closed)(void *context) = inbox->on_closed;
    void *context = inbox->context;
    pthread_mutex_destroy(&inbox->mutex);
    free(inbox);
    on_closed(context);
}

void inbox_close(struct inbox *inbox, void (*on_closed)(void *context), void *context)
{
    assert(inbox->first == NULL);
    inbox->on_closed = on_closed;
    inbox->context = context;
    uv_close((uv_handle_t *)&inbox->async, on_close);
}

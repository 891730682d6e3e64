// SPDX-License-Identifier: MIT
// An account is brought in by a registration like any other, one with values. What is there already is looked at first,
// to tell how it ends.
//
// On a standalone store this happens in one transaction, next to the writer thread, which waits meanwhile as it would
// for another process. Over etcd registrations are submitted in windows: as many as make a few transactions are under
// way at once, and when all of them have ended, the next ones come. A window is looked at by its order, so fates are
// told in the order in which the accounts came.
#include "import.h"

#include "arena.h"
#include "record.h"

#include <stdlib.h>
#include <uv.h>

static enum import_fate compare(const struct store_entry *there, const struct store_entry *wanted)
{
    struct txt txt = wanted->txt;
    txt.username = wanted->account.username;
    txt.is_withheld = wanted->account.is_disabled;
    return account_equal(&there->account, &wanted->account) && txt_equal(&there->txt, &txt) ? IMPORT_SAME
                                                                                            : IMPORT_DIFFERS;
}

static void tell(const struct store_import *import, const struct store_entry *entry, enum import_fate fate)
{
    if (import->on_fate != NULL)
        import->on_fate(import->context, entry, fate);
}

static struct change change_of(const struct store_entry *entry)
{
    return (struct change){.kind = CHANGE_REGISTER, .account = entry->account, .values = &entry->txt};
}

// -- At once

// ERR_NOT_FOUND: there is no such account, and nobody has its subdomain.
static enum err find(struct edit *edit, const struct store_entry *wanted, enum import_fate *fate)
{
    const struct uuid *username = &wanted->account.username;
    struct store_entry there = {0};
    struct bytes record;
    enum err err = edit_get(edit, ENV_ACCOUNTS, (struct bytes){username->at, sizeof username->at}, &record);
    if (err == ERR_NOT_FOUND) {
        err = edit_get(edit, ENV_VALUES, wanted->account.subdomain, &record);
        if (err == ERR_OK)
            *fate = IMPORT_TAKEN;
        return err;
    }
    if (err == ERR_OK)
        err = record_read_account(record, username, &there.account);
    if (err == ERR_OK)
        err = edit_get(edit, ENV_VALUES, there.account.subdomain, &record);
    if (err == ERR_OK)
        err = record_read_txt(record, &there.txt);
    if (err == ERR_STORE || err == ERR_MEMORY)
        return err;
    *fate = err == ERR_OK ? compare(&there, wanted) : IMPORT_DIFFERS;
    return ERR_OK;
}

struct import {
    const struct apply_options *options;
    const struct store_import *import;
    struct edit edit;
    uint64_t n_new;
};

static enum err bring_in(struct import *self, const struct store_entry *entry)
{
    enum import_fate fate = IMPORT_NEW;
    enum err err = find(&self->edit, entry, &fate);
    if (err == ERR_NOT_FOUND) {
        const struct change change = change_of(entry);
        err = store_apply(&self->edit, &change, self->options);
        self->n_new++;
    }
    if (err == ERR_OK)
        tell(self->import, entry, fate);
    return err;
}

static enum err bring_all_in(struct import *self)
{
    struct store_entry entry;
    uint64_t revision = 0;
    enum err err = ERR_OK;
    while (err == ERR_OK && (err = self->import->next(self->import->context, &entry)) == ERR_OK)
        err = bring_in(self, &entry);
    if (err != ERR_NOT_FOUND)
        return err;
    err = edit_get_number(&self->edit, "revision", &revision);
    return err == ERR_OK ? edit_put_number(&self->edit, "revision", revision + self->n_new) : err;
}

enum err import_at_once(struct env *env, const struct apply_options *options, const struct store_import *import)
{
    struct import self = {.options = options, .import = import};
    enum err err = edit_begin(&self.edit, env);
    if (err != ERR_OK)
        return err;
    err = bring_all_in(&self);
    if (err == ERR_OK && self.n_new > 0 && !import->is_trial)
        return edit_commit(&self.edit);
    edit_abort(&self.edit);
    return err;
}

// -- One by one

enum { WINDOW = 400 };

struct slot {
    struct change change; // first: on_done gets its address
    struct window *window;
    struct store_entry entry;
    enum import_fate fate;
};

struct window {
    struct arena *arena; // what the views of the slots point to
    uv_sem_t done;
    size_t n;
    struct slot slots[WINDOW];
};

static void on_done(struct change *change)
{
    uv_sem_post(&((struct slot *)change)->window->done);
}

static bool keep(struct arena *arena, struct bytes *bytes)
{
    uint8_t *at = arena_take(arena, bytes->n == 0 ? 1 : bytes->n, 1);
    if (at != NULL && bytes->n > 0)
        memcpy(at, bytes->at, bytes->n);
    bytes->at = at;
    return at != NULL;
}

static enum err look(struct store_reader *reader, struct slot *slot)
{
    const struct account *wanted = &slot->entry.account;
    struct store_entry there;
    slot->fate = IMPORT_NEW;
    enum err err = store_find_account(reader, &wanted->username, &there.account);
    if (err == ERR_NOT_FOUND) {
        err = store_find_txt(reader, wanted->subdomain, &there.txt);
        if (err == ERR_OK)
            slot->fate = IMPORT_TAKEN;
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    if (err == ERR_OK)
        err = store_find_txt(reader, there.account.subdomain, &there.txt);
    slot->fate = err == ERR_OK ? compare(&there, &slot->entry) : IMPORT_DIFFERS;
    return err == ERR_STORE ? err : ERR_OK;
}

// Fills the window; ERR_NOT_FOUND: that was all.
static enum err fill(struct window *window, struct store_reader *reader, const struct store_import *import)
{
    enum err err = store_begin(reader);
    if (err != ERR_OK)
        return err;
    for (window->n = 0; window->n < WINDOW && err == ERR_OK;) {
        struct slot *slot = &window->slots[window->n];
        err = import->next(import->context, &slot->entry);
        if (err == ERR_OK)
            err = look(reader, slot);
        if (err != ERR_OK)
            break;
        struct account *account = &slot->entry.account;
        struct txt *txt = &slot->entry.txt;
        bool is_kept = keep(window->arena, &account->subdomain) && keep(window->arena, &account->hash) &&
                       keep(window->arena, &account->allowfrom) && keep(window->arena, &account->note) &&
                       keep(window->arena, &txt->rdata) && keep(window->arena, &txt->times);
        err = is_kept ? ERR_OK : ERR_MEMORY;
        window->n++;
    }
    store_end(reader);
    return err;
}

static enum err submit(struct window *window, struct store *store, const struct store_import *import)
{
    size_t n_sent = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < window->n && !import->is_trial; i++) {
        struct slot *slot = &window->slots[i];
        if (slot->fate != IMPORT_NEW)
            continue;
        slot->change = change_of(&slot->entry);
        slot->change.on_done = on_done;
        slot->window = window;
        store_submit(store, &slot->change);
        n_sent++;
    }
    while (n_sent-- > 0)
        uv_sem_wait(&window->done);
    for (size_t i = 0; i < window->n && err == ERR_OK; i++) {
        struct slot *slot = &window->slots[i];
        bool was_sent = slot->fate == IMPORT_NEW && !import->is_trial;
        if (was_sent && slot->change.result == ERR_EXISTS)
            slot->fate = IMPORT_TAKEN; // just now, or by one of the same window
        else if (was_sent)
            err = slot->change.result;
        if (err == ERR_OK)
            tell(import, &slot->entry, slot->fate);
    }
    return err;
}

static enum err go_on(struct window *window, struct store *store, const struct store_import *import)
{
    struct store_reader *reader;
    enum err end = store_reader_open(&reader, store);
    if (end != ERR_OK)
        return end;
    while (end == ERR_OK && (end = arena_new(&window->arena)) == ERR_OK) {
        end = fill(window, reader, import);
        enum err err = end == ERR_OK || end == ERR_NOT_FOUND ? submit(window, store, import) : end;
        end = err == ERR_OK ? end : err;
        arena_free(window->arena);
    }
    store_reader_close(reader);
    return end == ERR_NOT_FOUND ? ERR_OK : end;
}

enum err import_one_by_one(struct store *store, const struct store_import *import)
{
    struct window *window = calloc(1, sizeof *window);
    if (window == NULL)
        return ERR_MEMORY;
    enum err err = ERR_SYSTEM;
    if (uv_sem_init(&window->done, 0) == 0) {
        err = go_on(window, store, import);
        uv_sem_destroy(&window->done);
    }
    free(window);
    return err;
}

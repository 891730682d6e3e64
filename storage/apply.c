// SPDX-License-Identifier: MIT
// Each kind of change is one row of a table: which records it looks at, and the function that makes of them what is to
// be there. It looks before it writes, so that a refusal leaves the transaction as it was and the other changes of the
// same group unharmed.
//
// All kinds can be tried again when it is not known whether they were applied: what is as wanted already is kept, and
// counts as done.
#include "apply.h"

#include "record.h"

#include <assert.h>

typedef enum err make(const struct change *change, const struct apply_options *options,
                      const struct apply_before *before, struct apply_after *after);

static void put(struct apply_after *after, enum apply_part part)
{
    after->acts[part] = APPLY_PUT;
}

static bool is_there(const struct apply_before *before, enum apply_part part)
{
    return before->records[part].n > 0;
}

static enum err read_account(const struct apply_before *before, const struct change *change, struct account *account)
{
    return record_read_account(before->records[APPLY_ACCOUNT], &change->account.username, account);
}

// The values, if they are the account's. ERR_NOT_FOUND, ERR_CORRUPT.
static enum err read_own_txt(const struct apply_before *before, const struct change *change, struct txt *txt)
{
    struct txt found;
    if (!is_there(before, APPLY_VALUES))
        return ERR_NOT_FOUND;
    enum err err = record_read_txt(before->records[APPLY_VALUES], &found);
    if (err != ERR_OK)
        return err;
    if (memcmp(found.username.at, change->account.username.at, sizeof found.username.at) != 0)
        return ERR_NOT_FOUND;
    *txt = found;
    return ERR_OK;
}

static void put_txt(struct apply_after *after, const struct txt *txt)
{
    record_write_txt(&after->records[APPLY_VALUES], txt);
    put(after, APPLY_VALUES);
}

static void put_account(struct apply_after *after, const struct account *account)
{
    record_write_account(&after->records[APPLY_ACCOUNT], account);
    put(after, APPLY_ACCOUNT);
}

static enum err make_register(const struct change *change, const struct apply_options *,
                              const struct apply_before *before, struct apply_after *after)
{
    struct account there;
    if (is_there(before, APPLY_ACCOUNT))
        return read_account(before, change, &there) == ERR_OK && account_equal(&there, &change->account) ? ERR_OK
                                                                                                         : ERR_EXISTS;
    if (is_there(before, APPLY_VALUES))
        return ERR_EXISTS;
    struct txt txt = {0};
    if (change->values != NULL)
        txt = *change->values;
    txt.username = change->account.username;
    txt.is_withheld = change->account.is_disabled;
    put_account(after, &change->account);
    put_txt(after, &txt);
    return ERR_OK;
}

// Whoever has changed the hash meanwhile knows better.
static enum err put_new_hash(const struct change *change, const struct apply_before *before, struct apply_after *after)
{
    struct account account;
    enum err err = read_account(before, change, &account);
    if (err != ERR_OK || !bytes_equal(account.hash, change->account.hash))
        return err;
    account.hash = change->new_hash;
    put_account(after, &account);
    return ERR_OK;
}

static enum err make_update(const struct change *change, const struct apply_options *options,
                            const struct apply_before *before, struct apply_after *after)
{
    struct txt txt;
    enum err err = read_own_txt(before, change, &txt);
    if (err == ERR_OK && txt.is_withheld)
        err = ERR_DISABLED;
    if (err == ERR_OK && change->new_hash.n > 0 && is_there(before, APPLY_ACCOUNT))
        err = put_new_hash(change, before, after);
    if (err != ERR_OK)
        return err;
    const struct record_update update = {change->rdata, options->n_values, change->now_s};
    put(after, APPLY_VALUES);
    return record_write_update(&after->records[APPLY_VALUES], before->records[APPLY_VALUES], &update);
}

static enum err make_account(const struct change *change, const struct apply_options *,
                             const struct apply_before *before, struct apply_after *after)
{
    struct account there;
    struct txt txt;
    if (!is_there(before, APPLY_ACCOUNT))
        return ERR_NOT_FOUND;
    enum err err = read_account(before, change, &there);
    if (err != ERR_OK || account_equal(&there, &change->account))
        return err;
    if (!account_equal(&there, change->before))
        return ERR_CONFLICT;
    assert(bytes_equal(there.subdomain, change->account.subdomain));
    put_account(after, &change->account);
    if (there.is_disabled == change->account.is_disabled)
        return ERR_OK;
    err = read_own_txt(before, change, &txt);
    if (err != ERR_OK)
        return ERR_CORRUPT;
    txt.is_withheld = change->account.is_disabled;
    put_txt(after, &txt);
    return ERR_OK;
}

static enum err make_clear(const struct change *change, const struct apply_options *, const struct apply_before *before,
                           struct apply_after *after)
{
    struct txt txt;
    enum err err = read_own_txt(before, change, &txt);
    if (err != ERR_OK || txt.n_values == 0)
        return err;
    txt.n_values = 0;
    txt.rdata.n = txt.times.n = 0;
    put_txt(after, &txt);
    return ERR_OK;
}

// Records that do not decode can be deleted too.
static enum err make_delete(const struct change *change, const struct apply_options *,
                            const struct apply_before *before, struct apply_after *after)
{
    struct account account;
    struct txt txt;
    if (is_there(before, APPLY_ACCOUNT)) {
        if (read_account(before, change, &account) == ERR_OK &&
            !bytes_equal(account.subdomain, change->account.subdomain))
            return ERR_NOT_FOUND;
        after->acts[APPLY_ACCOUNT] = APPLY_DELETE;
    }
    if (is_there(before, APPLY_VALUES) && read_own_txt(before, change, &txt) != ERR_NOT_FOUND)
        after->acts[APPLY_VALUES] = APPLY_DELETE;
    return ERR_OK;
}

static const struct kind {
    make *make;
    bool reads_account;
} kinds[] = {
    [CHANGE_REGISTER] = {make_register, true}, [CHANGE_UPDATE] = {make_update, false},
    [CHANGE_ACCOUNT] = {make_account, true},   [CHANGE_CLEAR] = {make_clear, false},
    [CHANGE_DELETE] = {make_delete, true},
};

static const struct kind *find_kind(const struct change *change)
{
    assert((size_t)change->kind < sizeof kinds / sizeof kinds[0]);
    return &kinds[change->kind];
}

bool store_apply_reads(const struct change *change, enum apply_part part)
{
    return part == APPLY_VALUES || find_kind(change)->reads_account || change->new_hash.n > 0;
}

enum err store_apply_to(const struct change *change, const struct apply_options *options,
                        const struct apply_before *before, struct apply_after *after)
{
    for (unsigned part = 0; part < N_APPLY_PARTS; part++)
        after->acts[part] = APPLY_KEEP;
    enum err err = find_kind(change)->make(change, options, before, after);
    for (unsigned part = 0; part < N_APPLY_PARTS && err == ERR_OK; part++)
        if (after->acts[part] == APPLY_PUT && after->records[part].is_bad)
            err = ERR_RANGE;
    return err;
}

bool store_apply_is_refusal(enum err err)
{
    return err == ERR_EXISTS || err == ERR_NOT_FOUND || err == ERR_CORRUPT || err == ERR_CONFLICT ||
           err == ERR_DISABLED || err == ERR_RANGE;
}

// -- LMDB

enum err store_apply(struct edit *edit, const struct change *change, const struct apply_options *options)
{
    static const enum env_table tables[] = {[APPLY_ACCOUNT] = ENV_ACCOUNTS, [APPLY_VALUES] = ENV_VALUES};
    const struct bytes keys[] = {{change->account.username.at, sizeof change->account.username.at},
                                 change->account.subdomain};
    uint8_t spaces[N_APPLY_PARTS][RECORD_MAX_BYTES];
    struct apply_before before = {0};
    struct apply_after after;
    enum err err = ERR_OK;
    for (unsigned part = 0; part < N_APPLY_PARTS && err == ERR_OK; part++) {
        after.records[part] = writer_of(spaces[part], sizeof spaces[part]);
        if (store_apply_reads(change, part))
            err = edit_get(edit, tables[part], keys[part], &before.records[part]);
        if (err == ERR_NOT_FOUND)
            err = ERR_OK;
    }
    if (err == ERR_OK)
        err = store_apply_to(change, options, &before, &after);
    for (unsigned part = 0; part < N_APPLY_PARTS && err == ERR_OK; part++) {
        const struct writer *record = &after.records[part];
        if (after.acts[part] == APPLY_PUT)
            err = edit_put(edit, tables[part], keys[part], (struct bytes){record->start, writer_used(record)});
        else if (after.acts[part] == APPLY_DELETE)
            err = edit_delete(edit, tables[part], keys[part]);
    }
    return err;
}

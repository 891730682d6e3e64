// SPDX-License-Identifier: MIT
// Both layouts are read through a cursor whose first error sticks, and are sound only when the walk ends exactly at the
// record's end; a flipped length can therefore never lead outside the record.
#include "record.h"

#include <assert.h>

enum { FIRST_LAYOUT = 1, FLAGGED_LAYOUT = 2 };
enum { DISABLED = 1, WITHHELD = 1 }; // flags

// Version and flags. A flag that is not `known` has come with a later program.
static bool take_layout(struct reader *r, unsigned known, bool *is_flagged, unsigned *flags)
{
    unsigned version = take_u8(r);
    *is_flagged = version == FLAGGED_LAYOUT;
    *flags = *is_flagged ? take_u8(r) : 0;
    return !r->is_bad && (version == FIRST_LAYOUT || *is_flagged) && (*flags & ~known) == 0;
}

static void put_layout(struct writer *w, bool is_flagged, unsigned flags)
{
    put_u8(w, is_flagged ? FLAGGED_LAYOUT : FIRST_LAYOUT);
    if (is_flagged)
        put_u8(w, flags);
}

// One step can be undone, so two states that differ stay different, and so do the states after two different words.
static uint64_t mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * 0x9e3779b97f4a7c15u;
    return state ^ state >> 32;
}

static uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

// Four states, each for every fourth word, are mixed side by side, which the processor does at once.
struct seal {
    uint64_t states[4];
};

enum { WORD = sizeof(uint64_t), ROUND = 4 * WORD };

static void mix_bytes(struct seal *seal, struct bytes bytes)
{
    size_t n = bytes.n;
    for (; n >= ROUND; bytes.at += ROUND, n -= ROUND)
        for (unsigned i = 0; i < 4; i++)
            seal->states[i] = mix(seal->states[i], word_at(bytes.at + (size_t)i * WORD));
    for (unsigned i = 1; n >= WORD; bytes.at += WORD, n -= WORD, i++)
        seal->states[i] = mix(seal->states[i], word_at(bytes.at));
    uint8_t rest[WORD] = {0};
    if (n != 0)
        memcpy(rest, bytes.at, n);
    seal->states[0] = mix(seal->states[0], word_at(rest) ^ (uint64_t)bytes.n << 56);
}

static uint64_t seal_of(struct bytes key, struct bytes record)
{
    struct seal seal = {{0, 1, 2, 3}};
    mix_bytes(&seal, key);
    mix_bytes(&seal, record);
    return mix(mix(seal.states[0], seal.states[1]), mix(seal.states[2], seal.states[3]));
}

void record_seal(struct writer *w, struct bytes key)
{
    put_u64(w, seal_of(key, (struct bytes){w->start, writer_used(w)}));
}

enum err record_unseal(struct bytes key, struct bytes *record)
{
    if (record->n < RECORD_SEAL_BYTES)
        return ERR_CORRUPT;
    struct bytes bare = {record->at, record->n - RECORD_SEAL_BYTES};
    struct reader seal = reader_of(bare.at + bare.n, RECORD_SEAL_BYTES);
    if (take_u64(&seal) != seal_of(key, bare))
        return ERR_CORRUPT;
    *record = bare;
    return ERR_OK;
}

enum err record_read_account(struct bytes record, const struct uuid *username, struct account *account)
{
    struct reader r = reader_of(record.at, record.n);
    bool is_flagged;
    unsigned flags;
    if (!take_layout(&r, DISABLED, &is_flagged, &flags))
        return ERR_CORRUPT;
    struct account out = {.username = *username, .created_s = take_u64(&r), .is_disabled = (flags & DISABLED) != 0};
    out.subdomain.n = take_u8(&r);
    out.subdomain.at = take_bytes(&r, out.subdomain.n);
    out.hash.n = take_u16(&r);
    out.hash.at = take_bytes(&r, out.hash.n);
    out.allowfrom.n = take_u16(&r);
    out.allowfrom.at = take_bytes(&r, out.allowfrom.n);
    out.note.n = is_flagged ? take_u8(&r) : 0;
    out.note.at = take_bytes(&r, out.note.n);
    if (!reader_is_done(&r) || out.subdomain.n == 0 || out.subdomain.n > SUBDOMAIN_MAX)
        return ERR_CORRUPT;
    *account = out;
    return ERR_OK;
}

void record_write_account(struct writer *w, const struct account *account)
{
    assert(account->subdomain.n <= SUBDOMAIN_MAX && account->note.n <= ACCOUNT_NOTE_MAX);
    bool is_flagged = account->is_disabled || account->note.n > 0;
    w->is_bad |= account->hash.n > UINT16_MAX || account->allowfrom.n > UINT16_MAX;
    put_layout(w, is_flagged, account->is_disabled ? DISABLED : 0);
    put_u64(w, account->created_s);
    put_u8(w, (unsigned)account->subdomain.n);
    put_bytes(w, account->subdomain.at, account->subdomain.n);
    put_u16(w, (unsigned)account->hash.n);
    put_bytes(w, account->hash.at, account->hash.n);
    put_u16(w, (unsigned)account->allowfrom.n);
    put_bytes(w, account->allowfrom.at, account->allowfrom.n);
    if (!is_flagged)
        return;
    put_u8(w, (unsigned)account->note.n);
    put_bytes(w, account->note.at, account->note.n);
}

// Whether there are as many values as their number says: an answer counts on it.
static bool are_values_whole(const struct txt *txt)
{
    struct reader r = reader_of(txt->rdata.at, txt->rdata.n);
    for (unsigned i = 0; i < txt->n_values; i++)
        take_bytes(&r, take_u16(&r));
    return reader_is_done(&r);
}

enum err record_read_txt(struct bytes record, struct txt *txt)
{
    struct reader r = reader_of(record.at, record.n);
    struct txt out;
    bool is_flagged;
    unsigned flags;
    if (!take_layout(&r, WITHHELD, &is_flagged, &flags))
        return ERR_CORRUPT;
    out.is_withheld = (flags & WITHHELD) != 0;
    out.n_values = take_u8(&r);
    out.rdata.n = take_u16(&r);
    const uint8_t *username = take_bytes(&r, sizeof out.username.at);
    out.used_s = take_u64(&r);
    out.rdata.at = take_bytes(&r, out.rdata.n);
    out.times = (struct bytes){r.at, reader_left(&r)};
    if (r.is_bad || out.times.n != out.n_values * sizeof(uint64_t) || !are_values_whole(&out))
        return ERR_CORRUPT;
    memcpy(out.username.at, username, sizeof out.username.at);
    *txt = out;
    return ERR_OK;
}

struct value {
    struct bytes rdata;
    uint64_t at_s;
};

static void write_values(struct writer *w, const struct txt *head, const struct value *values)
{
    put_layout(w, head->is_withheld, WITHHELD);
    put_u8(w, head->n_values);
    uint8_t *n_rdata = put_space(w, 2);
    put_bytes(w, head->username.at, sizeof head->username.at);
    put_u64(w, head->used_s);
    size_t start = writer_used(w);
    for (unsigned i = 0; i < head->n_values; i++) {
        put_u16(w, (unsigned)values[i].rdata.n);
        put_bytes(w, values[i].rdata.at, values[i].rdata.n);
    }
    size_t n = writer_used(w) - start;
    w->is_bad |= n > UINT16_MAX;
    for (unsigned i = 0; i < head->n_values; i++)
        put_u64(w, values[i].at_s);
    if (!w->is_bad) {
        n_rdata[0] = (uint8_t)(n >> 8);
        n_rdata[1] = (uint8_t)n;
    }
}

void record_write_txt(struct writer *w, const struct txt *txt)
{
    w->is_bad |= txt->n_values > UINT8_MAX || txt->rdata.n > UINT16_MAX ||
                 txt->times.n != txt->n_values * sizeof(uint64_t) || !are_values_whole(txt);
    put_layout(w, txt->is_withheld, WITHHELD);
    put_u8(w, txt->n_values);
    put_u16(w, (unsigned)txt->rdata.n);
    put_bytes(w, txt->username.at, sizeof txt->username.at);
    put_u64(w, txt->used_s);
    put_bytes(w, txt->rdata.at, txt->rdata.n);
    put_bytes(w, txt->times.at, txt->times.n);
}

void record_write_no_values(struct writer *w, const struct uuid *username)
{
    record_write_txt(w, &(struct txt){.username = *username});
}

enum err record_write_update(struct writer *w, struct bytes old, const struct record_update *update)
{
    assert(update->n_values >= 1 && update->n_values <= RECORD_VALUES_MAX && update->rdata.n <= UINT16_MAX);
    struct txt head;
    enum err err = record_read_txt(old, &head);
    if (err != ERR_OK)
        return err;

    struct reader times = reader_of(head.times.at, head.times.n);
    struct value values[UINT8_MAX + 1];
    struct reader rdata = reader_of(head.rdata.at, head.rdata.n);
    unsigned n = 0;
    for (unsigned i = 0; i < head.n_values; i++) {
        size_t n_bytes = take_u16(&rdata);
        struct value value = {{take_bytes(&rdata, n_bytes), n_bytes}, take_u64(&times)};
        if (!rdata.is_bad && !bytes_equal(value.rdata, update->rdata))
            values[n++] = value;
    }
    if (!reader_is_done(&rdata))
        return ERR_CORRUPT;
    values[n++] = (struct value){update->rdata, update->now_s};

    unsigned n_gone = n > update->n_values ? n - update->n_values : 0;
    head.n_values = n - n_gone;
    head.used_s = update->now_s;
    write_values(w, &head, values + n_gone);
    return ERR_OK;
}

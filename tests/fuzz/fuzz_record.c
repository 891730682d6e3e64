// SPDX-License-Identifier: MIT
// Records of the store. One that decodes is exactly what encoding gives again; an update leaves what it has to. The
// first byte of the input chooses.
#include "fuzz.h"
#include "record.h"

enum { UPDATES_MAX = 8 };

static void check_account(struct bytes record)
{
    struct account account;
    const struct uuid username = {{1}};
    if (record_read_account(record, &username, &account) != ERR_OK)
        return;
    uint8_t *space = malloc(record.n);
    struct writer w = writer_of(space, record.n);
    record_write_account(&w, &account);
    require(!w.is_bad && bytes_equal(record, (struct bytes){space, writer_used(&w)}), "not the same");
    free(space);
}

struct values {
    unsigned n;
    struct bytes at[UINT8_MAX + 1];
};

static struct values values_of(struct bytes record, struct uuid *username)
{
    struct txt txt;
    struct values values = {0};
    require(record_read_txt(record, &txt) == ERR_OK, "does not decode");
    struct reader r = reader_of(txt.rdata.at, txt.rdata.n);
    for (; values.n < txt.n_values; values.n++) {
        size_t n = take_u16(&r);
        values.at[values.n] = (struct bytes){take_bytes(&r, n), n};
    }
    require(reader_is_done(&r), "values that are not whole");
    *username = txt.username;
    return values;
}

// What was there stays in its order, but for the new value and the oldest ones, and the new one is the last.
static void check_update(struct bytes old, struct bytes new, const struct record_update *update)
{
    struct uuid owner, same_owner;
    struct values before = values_of(old, &owner), after = values_of(new, &same_owner);
    require(memcmp(&owner, &same_owner, sizeof owner) == 0, "another account's");
    require(after.n >= 1 && after.n <= update->n_values, "too many values");
    require(bytes_equal(after.at[--after.n], update->rdata), "the new value is not the last");
    while (before.n > 0 && after.n > 0) {
        struct bytes value = before.at[--before.n];
        if (!bytes_equal(value, update->rdata))
            require(bytes_equal(after.at[--after.n], value), "a value is lost or out of order");
    }
    require(after.n == 0, "a value from nowhere");
}

static void check_values(struct bytes record, struct bytes in)
{
    struct txt txt;
    uint8_t *space = malloc(RECORD_MAX_BYTES);
    for (unsigned i = 0; i < UPDATES_MAX && in.n > 2 && record_read_txt(record, &txt) == ERR_OK; i++) {
        uint8_t rdata[UINT8_MAX];
        struct record_update update = {.n_values = 1 + fuzz_take(&in) % RECORD_VALUES_MAX, .now_s = i};
        size_t n = fuzz_take(&in);
        n = n < in.n ? n : in.n;
        memcpy(rdata, in.at, n);
        in.at += n / 2; // so that some come again
        in.n -= n / 2;
        update.rdata = (struct bytes){rdata, n};
        uint8_t *new = malloc(RECORD_MAX_BYTES);
        struct writer w = writer_of(new, RECORD_MAX_BYTES);
        require(record_write_update(&w, record, &update) == ERR_OK, "a record that decodes is not updated");
        if (w.is_bad) { // more than a record holds
            free(new);
            break;
        }
        check_update(record, (struct bytes){new, writer_used(&w)}, &update);
        free(space);
        space = new;
        record = (struct bytes){new, writer_used(&w)};
    }
    free(space);
}

static void check_seal(struct bytes record)
{
    uint8_t key[] = "key", *space = malloc(record.n + RECORD_SEAL_BYTES);
    struct writer w = writer_of(space, record.n + RECORD_SEAL_BYTES);
    put_bytes(&w, record.at, record.n);
    record_seal(&w, (struct bytes){key, 3});
    require(!w.is_bad, "no room for the seal");
    struct bytes sealed = {space, writer_used(&w)}, bare = sealed;
    require(record_unseal((struct bytes){key, 3}, &bare) == ERR_OK && bytes_equal(bare, record),
            "the seal does not fit");
    require(record_unseal((struct bytes){key, 2}, &bare) == ERR_CORRUPT, "the seal fits another key");
    for (size_t i = 0; i < sealed.n; i += 1 + sealed.n / 16) {
        space[i] ^= (uint8_t)(1 + i);
        bare = sealed;
        require((1 + i) % 256 == 0 || record_unseal((struct bytes){key, 3}, &bare) == ERR_CORRUPT,
                "damage is not seen");
        space[i] ^= (uint8_t)(1 + i);
    }
    free(space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bytes in = {data, n};
    uint8_t how = fuzz_take(&in);
    uint8_t *copy = fuzz_copy(in);
    struct bytes record = {copy, in.n};
    uint8_t no_values[64];
    struct writer w = writer_of(no_values, sizeof no_values);
    switch (how % 4) {
    case 0:
        check_account(record);
        break;
    case 1:
        check_values(record, (struct bytes){copy, in.n});
        break;
    case 2:
        record_write_no_values(&w, &(struct uuid){{2}});
        check_values((struct bytes){no_values, writer_used(&w)}, record);
        break;
    case 3:
        check_seal(record);
        break;
    }
    free(copy);
    return 0;
}

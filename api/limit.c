// SPDX-License-Identifier: MIT
// A token bucket told by one number, the time at which it will be full again (the "theoretical arrival time" of the
// generic cell rate algorithm, ITU-T I.371): an event moves it on by the cost of one, and there is room as long as it
// is less than the whole bucket's worth ahead. A bucket that is full carries no news, so one that is not in the table
// is full, and a place whose time has passed is free.
//
// The table is sets of eight places. A key's set is chosen by a MAC under a key of this process, so nobody outside can
// choose whom to push out; when a set has no free place, the fullest bucket gives way. Who has very many addresses can
// so make us forget some failures, which is no more than what those addresses would have let him try anyway.
#include "limit.h"

#include "secret.h"

#include <stdlib.h>
#include <string.h>

enum { N_SETS = 8192, N_WAYS = 8, US_PER_MS = 1000, US_PER_S = 1000000 };

struct bucket {
    struct limit_key key;
    uint64_t full_us; // when it is full again
};

struct limit {
    struct secret_mac_key mac_key;
    uint64_t event_us; // how long an event takes to be forgotten; 0: no limit
    uint64_t burst_us; // of all that may come at once
    struct bucket (*sets)[N_WAYS];
};

struct limit_key limit_key_of_ip(struct ip ip)
{
    struct limit_key key = {0};
    memcpy(key.at, ip.at, ip_is_v4(ip) ? sizeof ip.at : sizeof ip.at / 2);
    return key;
}

struct limit_key limit_key_of_uuid(const struct uuid *uuid)
{
    struct limit_key key;
    _Static_assert(sizeof key.at == sizeof uuid->at);
    memcpy(key.at, uuid->at, sizeof key.at);
    return key;
}

enum err limit_open(struct limit **limit, int64_t n_events, unsigned period_s)
{
    struct limit *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    if (n_events > 0) {
        self->burst_us = (uint64_t)period_s * US_PER_S;
        self->event_us = self->burst_us / (uint64_t)n_events;
        self->burst_us = self->event_us * (uint64_t)n_events;
        self->sets = calloc(N_SETS, sizeof *self->sets);
        if (self->sets == NULL) {
            limit_close(self);
            return ERR_MEMORY;
        }
        secret_random(&self->mac_key, sizeof self->mac_key);
    }
    *limit = self;
    return ERR_OK;
}

void limit_close(struct limit *limit)
{
    if (limit == NULL)
        return;
    free(limit->sets);
    free(limit);
}

static struct bucket *find_set(const struct limit *limit, const struct limit_key *key)
{
    uint8_t mac[SECRET_MAC_BYTES];
    const struct bytes part = {key->at, sizeof key->at};
    secret_mac(&limit->mac_key, &part, 1, mac);
    struct reader r = reader_of(mac, sizeof mac);
    return limit->sets[take_u64(&r) % N_SETS];
}

static struct bucket *find(const struct limit *limit, const struct limit_key *key)
{
    struct bucket *set = find_set(limit, key);
    for (size_t i = 0; i < N_WAYS; i++)
        if (set[i].full_us != 0 && memcmp(set[i].key.at, key->at, sizeof key->at) == 0)
            return &set[i];
    return NULL;
}

// The key's bucket, or the set's fullest, made into the key's.
static struct bucket *find_or_put(const struct limit *limit, const struct limit_key *key)
{
    struct bucket *found = find(limit, key);
    if (found != NULL)
        return found;
    struct bucket *set = find_set(limit, key);
    found = &set[0];
    for (size_t i = 1; i < N_WAYS; i++)
        if (set[i].full_us < found->full_us)
            found = &set[i];
    *found = (struct bucket){.key = *key};
    return found;
}

unsigned limit_take(struct limit *limit, struct limit_key key, uint64_t now_ms)
{
    uint64_t now_us = now_ms * US_PER_MS;
    if (limit->event_us == 0)
        return 0;
    struct bucket *bucket = find_or_put(limit, &key);
    uint64_t full_us = (bucket->full_us > now_us ? bucket->full_us : now_us) + limit->event_us;
    if (full_us > now_us + limit->burst_us)
        return (unsigned)((full_us - now_us - limit->burst_us + US_PER_S - 1) / US_PER_S);
    bucket->full_us = full_us;
    return 0;
}

void limit_give_back(struct limit *limit, struct limit_key key)
{
    struct bucket *bucket = limit->event_us == 0 ? NULL : find(limit, &key);
    if (bucket != NULL) // otherwise it has been pushed out, and is full
        bucket->full_us -= limit->event_us;
}

bool limit_is_low(const struct limit *limit, struct limit_key key, uint64_t now_ms)
{
    const struct bucket *bucket = limit->event_us == 0 ? NULL : find(limit, &key);
    return bucket != NULL && bucket->full_us > now_ms * US_PER_MS + limit->burst_us / 2;
}

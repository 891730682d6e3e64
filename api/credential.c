// SPDX-License-Identifier: MIT
// A table of sets of four MACs. A credential's set is chosen by its MAC's first bytes, so nobody outside can choose
// whom to push out; within the set the four places are filled in turn. The table is made once, so it can neither grow
// nor fail later; its pages are touched only as entries come.
//
// An empty place is all zeros: that a MAC is zero is as likely as guessing it.
#include "credential.h"

#include <stdlib.h>
#include <string.h>

enum { N_WAYS = 4 };

struct set {
    uint8_t macs[N_WAYS][SECRET_MAC_BYTES];
};

struct credential_cache {
    struct secret_mac_key key;
    size_t n_sets;
    uint8_t *turns; // one a set: the place that is filled next
    struct set *sets;
};

enum err credential_open(struct credential_cache **cache, size_t n_entries)
{
    struct credential_cache *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->n_sets = (n_entries + N_WAYS - 1) / N_WAYS;
    if (self->n_sets != 0) {
        self->turns = calloc(self->n_sets, 1);
        self->sets = calloc(self->n_sets, sizeof *self->sets);
        if (self->turns == NULL || self->sets == NULL) {
            credential_close(self);
            return ERR_MEMORY;
        }
    }
    secret_random(&self->key, sizeof self->key);
    *cache = self;
    return ERR_OK;
}

void credential_close(struct credential_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->turns);
    free(cache->sets);
    free(cache);
}

static void make_mac(const struct credential_cache *cache, const struct credential *credential,
                     uint8_t mac[SECRET_MAC_BYTES])
{
    const struct bytes parts[] = {
        {credential->username.at, sizeof credential->username.at},
        credential->password,
        credential->hash,
    };
    secret_mac(&cache->key, parts, sizeof parts / sizeof parts[0], mac);
}

static size_t choose_set(const struct credential_cache *cache, const uint8_t mac[SECRET_MAC_BYTES])
{
    struct reader r = reader_of(mac, SECRET_MAC_BYTES);
    return take_u64(&r) % cache->n_sets;
}

// Looks at all places, so the time tells nothing about where a MAC begins to differ.
static bool set_has(const struct set *set, const uint8_t mac[SECRET_MAC_BYTES])
{
    bool is_found = false;
    for (size_t i = 0; i < N_WAYS; i++)
        is_found |= secret_equal(set->macs[i], mac, SECRET_MAC_BYTES);
    return is_found;
}

bool credential_is_known(const struct credential_cache *cache, const struct credential *credential)
{
    uint8_t mac[SECRET_MAC_BYTES];
    if (cache->n_sets == 0)
        return false;
    make_mac(cache, credential, mac);
    return set_has(&cache->sets[choose_set(cache, mac)], mac);
}

void credential_remember(struct credential_cache *cache, const struct credential *credential)
{
    uint8_t mac[SECRET_MAC_BYTES];
    if (cache->n_sets == 0)
        return;
    make_mac(cache, credential, mac);
    size_t at = choose_set(cache, mac);
    if (set_has(&cache->sets[at], mac))
        return;
    memcpy(cache->sets[at].macs[cache->turns[at]], mac, sizeof mac);
    cache->turns[at] = (uint8_t)((cache->turns[at] + 1) % N_WAYS);
}

// SPDX-License-Identifier: MIT
// A bucket of tokens for each network and kind of answer: one token comes in each 1/rate of a second, one second's
// worth fits in, and one goes out with each answer. All of that is one number, the time at which the bucket will be
// full again: an answer moves it 1/rate ahead, and when it is more than a second ahead the bucket is empty. An
// untouched bucket needs no memory, since it is full.
//
// Buckets lie in lines of four, each line as long as one of the processor's cache; a keyed hash chooses the line, so
// nobody can aim at another's, and 32 more of its bits tell who owns a bucket. A newcomer takes the bucket of its line
// that will be full first, which is the one that knows least: whoever floods keeps the bucket that holds him, and names
// forged by the million push out only each other.
//
// Every n-th answer over the limit slips through, cut to its question with TC set, so that a real client behind a
// forged flood comes by TCP; errors slip as they are, being no longer than that. Sixteen bytes a bucket, 256 KiB a
// worker.
#include "rrl.h"

#include <netinet/in.h>
#include <stdlib.h>

enum { LINES = 4096, LINE_BUCKETS = 4, SECOND_US = 1000000 };

struct bucket {
    uint32_t owner;
    uint32_t n_limited;
    uint64_t full_us; // when it will be full again
};

struct line {
    _Alignas(64) struct bucket buckets[LINE_BUCKETS];
};

struct rrl {
    struct line lines[LINES];
    struct siphash_key key;
    uint64_t interval_us[N_RRL_KINDS]; // between two tokens; 0: no limit
    uint32_t n_slip;
    unsigned shift_v4; // drops the bits that do not make a network
    unsigned shift_v6;
};

enum err rrl_new(struct rrl **rrl, const struct rrl_options *options)
{
    struct rrl *self = aligned_alloc(_Alignof(struct rrl), sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    memset(self, 0, sizeof *self);
    self->key = siphash_key_random();
    for (unsigned kind = 0; kind < N_RRL_KINDS; kind++)
        self->interval_us[kind] = options->per_s[kind] == 0 ? 0 : SECOND_US / options->per_s[kind];
    self->n_slip = options->n_slip;
    self->shift_v4 = 32 - options->prefix_v4;
    self->shift_v6 = 64 - options->prefix_v6;
    *rrl = self;
    return ERR_OK;
}

void rrl_free(struct rrl *rrl)
{
    free(rrl);
}

static uint64_t read_big_endian(const uint8_t *at, size_t n)
{
    struct reader r = reader_of(at, n);
    return take_big_endian(&r, n);
}

// The network a client belongs to; an IPv4 address is the same one when it is mapped into IPv6.
static uint64_t network_of(const struct rrl *self, const struct sockaddr *client, bool *is_v4)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    const uint8_t *at;
    *is_v4 = client->sa_family == AF_INET;
    if (*is_v4) {
        at = (const uint8_t *)&((const struct sockaddr_in *)(const void *)client)->sin_addr;
    } else {
        at = ((const struct sockaddr_in6 *)(const void *)client)->sin6_addr.s6_addr;
        if (memcmp(at, mapped, sizeof mapped) == 0) {
            *is_v4 = true;
            at += sizeof mapped;
        }
    }
    return *is_v4 ? read_big_endian(at, 4) >> self->shift_v4 : read_big_endian(at, 8) >> self->shift_v6;
}

static struct bucket *find_bucket(struct rrl *self, const struct sockaddr *client, enum rrl_kind kind)
{
    bool is_v4;
    uint64_t network = network_of(self, client, &is_v4);
    uint64_t hash = siphash_of_words(&self->key, network, (uint64_t)kind << 1 | (is_v4 ? 1 : 0));
    struct bucket *buckets = self->lines[hash % LINES].buckets;
    uint32_t owner = (uint32_t)(hash >> 32);
    struct bucket *first_full = &buckets[0];
    for (unsigned i = 0; i < LINE_BUCKETS; i++) {
        if (buckets[i].owner == owner)
            return &buckets[i];
        if (buckets[i].full_us < first_full->full_us)
            first_full = &buckets[i];
    }
    *first_full = (struct bucket){.owner = owner};
    return first_full;
}

enum rrl_verdict rrl_judge(struct rrl *rrl, const struct sockaddr *client, enum rrl_kind kind, uint64_t now_ms)
{
    uint64_t interval_us = rrl->interval_us[kind];
    if (interval_us == 0)
        return RRL_PASS;
    struct bucket *bucket = find_bucket(rrl, client, kind);
    uint64_t now_us = now_ms * 1000;
    uint64_t full_us = (bucket->full_us > now_us ? bucket->full_us : now_us) + interval_us;
    if (full_us <= now_us + SECOND_US) {
        bucket->full_us = full_us;
        return RRL_PASS;
    }
    bucket->n_limited++;
    return rrl->n_slip != 0 && bucket->n_limited % rrl->n_slip == 0 ? RRL_SLIP : RRL_DROP;
}

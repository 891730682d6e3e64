// SPDX-License-Identifier: MIT
// Types and rcodes are small numbers, so their places are looked up in tables of bytes.
#include "tally.h"

#include <assert.h>
#include <uv.h>

enum { TYPE_END = 258, RCODE_END = 24, TCP_PLACE = 0, UDP_PLACE = 1 };

enum type_place {
    TYPE_PLACE_OTHER,
#define PLACE(number, text) TYPE_PLACE_##number,
    TALLY_TYPES(PLACE)
#undef PLACE
};

enum rcode_place {
    RCODE_PLACE_OTHER,
#define PLACE(number, text) PLACE_OF_##number,
    TALLY_RCODES(PLACE)
#undef PLACE
};

static const uint8_t type_places[TYPE_END] = {
#define PLACE(number, text) [number] = TYPE_PLACE_##number,
    TALLY_TYPES(PLACE)
#undef PLACE
};

static const uint8_t rcode_places[RCODE_END] = {
#define PLACE(number, text) [number] = PLACE_OF_##number,
    TALLY_RCODES(PLACE)
#undef PLACE
};

unsigned tally_place_of_type(unsigned type)
{
    return type < TYPE_END ? type_places[type] : TYPE_PLACE_OTHER;
}

unsigned tally_place_of_rcode(unsigned rcode)
{
    return rcode < RCODE_END ? rcode_places[rcode] : RCODE_PLACE_OTHER;
}

const char *tally_transport(unsigned place)
{
    assert(place < TALLY_N_TRANSPORTS);
    return place == UDP_PLACE ? "udp" : "tcp";
}

#define TEXT(number, text) text,

const char *tally_type(unsigned place)
{
    static const char *const texts[] = {"other", TALLY_TYPES(TEXT)};
    assert(place < TALLY_N_TYPES);
    return texts[place];
}

const char *tally_rcode(unsigned place)
{
    static const char *const texts[] = {"other", TALLY_RCODES(TEXT)};
    assert(place < TALLY_N_RCODES);
    return texts[place];
}

void tally_answer(struct tally *tally, bool is_udp, unsigned qtype, unsigned rcode)
{
    unsigned transport = is_udp ? UDP_PLACE : TCP_PLACE;
    histogram_add(&tally->answers[transport][tally_place_of_type(qtype)][tally_place_of_rcode(rcode)], 1);
}

uint64_t tally_begin(struct tally *tally)
{
    return tally->n_batches++ % TALLY_EVERY == 0 ? uv_hrtime() : 0;
}

void tally_end(struct tally *tally, uint64_t began_ns, uint64_t n_queries)
{
    if (began_ns != 0)
        histogram_note(&tally->ns, &histogram_of_ns, uv_hrtime() - began_ns, n_queries);
}

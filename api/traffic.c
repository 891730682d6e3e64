// SPDX-License-Identifier: MIT
// There are few statuses and most requests get the first of them, so their place is found by walking the list.
#include "traffic.h"

#include <assert.h>

static const unsigned statuses[TRAFFIC_N_STATUSES] = {0,
#define STATUS(status) status,
                                                      TRAFFIC_STATUSES(STATUS)
#undef STATUS
};

const char *traffic_status(unsigned place)
{
    static const char *const texts[TRAFFIC_N_STATUSES] = {"other",
#define TEXT(status) #status,
                                                          TRAFFIC_STATUSES(TEXT)
#undef TEXT
    };
    assert(place < TRAFFIC_N_STATUSES);
    return texts[place];
}

void traffic_note(struct traffic_route *route, unsigned status, uint64_t ns)
{
    unsigned place = TRAFFIC_N_STATUSES - 1;
    while (place > 0 && statuses[place] != status)
        place--;
    histogram_add(&route->statuses[place], 1);
    histogram_note(&route->ns, &histogram_of_ns, ns, 1);
}

// SPDX-License-Identifier: MIT
// A session is lost by going AWAY, from anywhere; each attempt begins there. IN_STEP is reached from CATCHING_UP alone:
// nobody is live who has not seen his own announcement.
#include "state.h"

#include <assert.h>

#define TO(name) (1u << STATE_##name)

static const unsigned may_follow[N_STATES] = {
    [STATE_AWAY] = TO(SIGNING_IN) | TO(PROBING) | TO(LEAVING),
    [STATE_SIGNING_IN] = TO(PROBING) | TO(AWAY) | TO(LEAVING),
    [STATE_PROBING] = TO(LOADING) | TO(CATCHING_UP) | TO(AWAY) | TO(LEAVING),
    [STATE_LOADING] = TO(CATCHING_UP) | TO(AWAY) | TO(LEAVING),
    [STATE_CATCHING_UP] = TO(IN_STEP) | TO(AWAY) | TO(LEAVING),
    [STATE_IN_STEP] = TO(CATCHING_UP) | TO(AWAY) | TO(LEAVING),
    [STATE_LEAVING] = 0,
};

const char *state_text(enum state state)
{
    static const char *const texts[] = {
#define STATE_TEXT(name, text, help) text,
        STATE_LIST(STATE_TEXT)
#undef STATE_TEXT
    };
    assert((unsigned)state < N_STATES);
    return texts[state];
}

bool state_may_follow(enum state from, enum state to)
{
    assert((unsigned)from < N_STATES && (unsigned)to < N_STATES);
    return (may_follow[from] & 1u << to) != 0;
}

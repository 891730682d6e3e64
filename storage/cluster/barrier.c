// SPDX-License-Identifier: MIT
// A change is acknowledged when nobody can be asked who does not know it: this copy has its revision, and so has every
// replica that was live then, by its own word. A replica that dies stops counting when its lease ends and its key is
// gone; one that comes back counts again from the revision of its announcement on, which it has to see itself before it
// takes itself for live (presence.c). So there is no moment at which a change can slip by: what came before that
// revision the newcomer has, for what comes after it everybody waits.
#include "replica.h"

void barrier_add(struct replica *replica, struct changes *changes, uint64_t revision)
{
    uint64_t deadline_ms = uv_now(&replica->loop) + 1000ull * replica->cluster->barrier_s;
    uint64_t now_ns = uv_hrtime();
    for (struct change *change = changes->first; change != NULL; change = change->next) {
        change->revision = revision;
        change->deadline_ms = deadline_ms;
        change->began_ns = now_ns;
    }
    changes_append(&replica->waiting, changes);
}

static bool is_everywhere(const struct change *change, const void *context)
{
    const struct replica *replica = context;
    return change->revision <= replica->copy.seen && live_have_applied(&replica->live, change->revision, replica->id);
}

void barrier_turn(struct replica *replica)
{
    struct changes done = {0};
    if (changes_are_none(&replica->waiting))
        return;
    changes_sift(&replica->waiting, is_everywhere, replica, &done);
    uint64_t now_ns = uv_hrtime();
    for (const struct change *change = done.first; change != NULL; change = change->next)
        histogram_note(&replica->histograms->barrier_ns, &histogram_of_ns, now_ns - change->began_ns, 1);
    count_many(replica->counters, COUNT_changes, changes_n(&done));
    changes_end(&done, ERR_OK);
}

void barrier_end_late(struct replica *replica, uint64_t now_ms)
{
    struct changes late = {0};
    changes_sift_late(&replica->waiting, now_ms, &late);
    count_many(replica->counters, COUNT_cluster_barrier_timeouts, changes_n(&late));
    changes_end(&late, ERR_BARRIER);
}

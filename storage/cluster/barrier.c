// SPDX-License-Identifier: MIT
// The promise: a replica that says at some time that it is in step serves all that was acknowledged before, by
// whomever.
//
// A change of revision x is acknowledged when this copy has x, and so has every replica that was live then, by its own
// word: its key in etcd, PREFIX/live/ID. A replica R says that it is in step when its announcement, of revision a, has
// come by in its watch, and as long as at some time T, not longer than the time of grace ago, etcd has found its key. T
// is the time when etcd was asked, not when it answered; the clock is read when R is asked, not by a timer, so a
// process that was stopped does not say what was true when it was. Then
//
//     x < a   R has x, since a watch keeps the order of revisions.
//     x > a   Who acknowledges x has x, hence has seen a before, and waits for R: until R says that it has x; or R has
//             said farewell, and so answers no more; or until R's key has gone, at a time D, and the grace has passed
//             since that was seen. In this last case R is silent by then: as T < D, its grace has passed no later.
//
// Nothing is asked of leases but that they end at last. A leader of etcd that was hung may take all of them from live
// replicas when it wakes up; these have the time of grace to come back before anything is acknowledged without them.
// Nothing is asked of clocks but that a second is a second; a machine that is stopped along with its clock may speak
// for a moment of what was.
//
// "Hence has seen a before" needs whoever acknowledges to have followed who came and went. Who begins, or has to skip
// revisions because they were compacted, finds the keys that are there, but who has gone shortly before? So there is a
// mark beside each key, PREFIX/live/ID/mark, which no lease ends. A mark without a key is a replica that has gone
// without a word; it has the grace from then on. Marks go with a farewell, and when somebody has waited for the grace.
//
// A session that is lost changes none of this: the key stays, so the others wait.
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
    return change->revision <= replica->copy.seen &&
           live_have_applied(&replica->live, change->revision, replica->id,
                             board_now_ms() - replica_grace_ms(replica->cluster));
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

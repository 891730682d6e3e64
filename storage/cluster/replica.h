// SPDX-License-Identifier: MIT
// replica: one of several servers that share what etcd holds. What the files of this folder have in common.
//
// All of it lives on the cluster's thread and its loop. A session is one channel to one member of etcd and all that is
// under way on it; whatever goes wrong, the session is lost (replica_lose) and the next one is begun with another
// member. What must survive a session lies outside of it: the copy, the table of live replicas, the lease, the changes.
#pragma once

#include "board.h"
#include "changes.h"
#include "channel.h"
#include "copy.h"
#include "etcd.pb-c.h"
#include "live.h"
#include "shared.h"

#define REPLICA_BATCH_MAX 50 // changes of one transaction; etcd allows 128 operations

struct batch;

struct replica {
    const struct store_options *options;
    const struct store_cluster *cluster; // of the options
    struct counters *counters;
    struct store_histograms *histograms;
    struct board *board;
    char id[KEY_REPLICA_MAX + 1];

    uv_loop_t loop;
    uv_prepare_t turn; // before the loop sleeps
    uv_timer_t retry;  // AWAY: until the next attempt
    uv_timer_t beat;   // the heart beat of a session
    uv_timer_t sweep;  // looks for changes that are late, while there are any

    enum state state;
    const char *told;        // the last reason in the log
    uint64_t out_of_step_ms; // loop time since when it is not in step
    bool must_load;          // the copy cannot be trusted: take a snapshot
    struct copy copy;
    struct live live;
    struct shared *shared;

    // The session.
    struct channel_options channel_options;
    struct channel *channel;
    const char **endpoints; // in an order of this process's own
    size_t endpoint;        // the one in use, or the next
    unsigned n_failures;    // sessions lost since it was in step
    char *token;            // a null pointer: none

    // What watch.c gathers until the turn ends.
    struct {
        bool is_created;
        bool is_partial;        // a revision comes in pieces and is not whole
        bool has_foreign;       // others wait until we say that we have applied this
        uint64_t own_revision;  // the last one that was our own doing
        uint64_t seen;          // what copy.seen is after the commit
        uint64_t data_revision; // and copy.data_revision
        uint64_t heard_ms;      // loop time of the last message
    } watch;

    // What load.c is at.
    struct {
        uint64_t cluster;
        uint64_t revision;      // of the snapshot
        uint64_t data_revision; // the newest in it
        uint64_t n_records;
        struct key_text next; // where the next page begins
    } load;

    // Being live: presence.c.
    struct {
        int64_t lease; // 0: none
        bool is_granting;
        bool is_announcing;
        bool has_looked;      // and seen what was found there, in this session
        bool is_wanted;       // somebody waits for our next announcement
        bool is_looking;      // what the last look at the data found has not been seen yet
        uint64_t looked;      // that revision
        int64_t looked_ms;    // board_now_ms when that look began
        int64_t looked_lease; // under which our key had to be found; 0: it may not be there yet
        int64_t said_ms;      // board_now_ms when the last announcement was made
        int64_t said_lease;   // under which it was
        uint64_t own_said;    // revision of the last announcement; 0: none in this session
        uint64_t own_gone;    // revision of the last end of our key
        uint64_t confirm;     // when this revision is seen, our announcement has come by; 0: there was none
        int64_t confirm_ms;   // when that announcement was made
    } presence;

    // The farewell under way.
    struct {
        int64_t lease;
        void (*on_end)(void *replica, const struct outcome *outcome);
    } farewell;

    // Changes: first they wait to be sent, then for the answer, then for the others.
    struct changes queue;
    struct batch *batch; // under way; a null pointer: none
    struct changes waiting;
};

// -- replica.c

// Makes the loop and what hangs on it. ERR_MEMORY, ERR_SYSTEM.
enum err replica_open(struct replica *replica);

// Runs until replica_leave has done its work; frees.
void replica_run(struct replica *replica);

// Ends the session, if there is one, and tries the next member: at once, or after a while when all have failed.
// `reason` is static; `detail` may be a null pointer.
void replica_lose(struct replica *replica, const char *reason, const char *detail);

// The same, with the reason taken from how a call ended.
void replica_fail(struct replica *replica, const struct outcome *outcome);

// The same; the next session begins with a snapshot.
void replica_reload(struct replica *replica, const char *reason, const char *detail);

// The same, because LMDB did not take something. Others wait for us no longer than our lease lasts, since no
// announcement is made before a snapshot has been written.
void replica_fail_copy(struct replica *replica, enum err err);

// Goes to another state, which is logged and counted. `reason` is static.
void replica_go(struct replica *replica, enum state state, const char *reason, const char *detail);

// Gives the lease back and ends the loop; changes end with ERR_STOPPING.
void replica_leave(struct replica *replica);

// Takes over new changes.
void replica_submit(struct replica *replica, struct changes *changes);

// How long a change may wait for etcd's word.
uint64_t replica_patience_ms(const struct replica *replica);

// Of lease_s, which is how long others wait for a replica that is silent, one half is the lease that etcd gives. The
// other half is for how long a replica may take itself for live after etcd has found its key, and for how long the
// others wait after that has gone (barrier.c).
int64_t replica_grace_ms(const struct store_cluster *cluster);

// A call of the session, with its token and time-out. When it cannot be made the session is lost.
void replica_call(struct replica *replica, const char *path, const ProtobufCMessage *message,
                  void (*on_end)(void *replica, const struct outcome *outcome));

// -- session.c: from AWAY to LOADING or CATCHING_UP.
void session_start(struct replica *replica);

// -- load.c: the snapshot; ends in CATCHING_UP or in a lost session.
void load_start(struct replica *replica, uint64_t cluster, uint64_t revision);

// -- watch.c: what happens from the revision behind the copy's on.
void watch_start(struct replica *replica);
void watch_reset(struct replica *replica);

// Commits what has come; false: the session was lost over it.
bool watch_commit(struct replica *replica);

// -- presence.c: the lease, the announcements, the heart beat.
void presence_start(struct replica *replica);
void presence_reset(struct replica *replica);
void presence_turn(struct replica *replica);                       // announces when it is time
void presence_on_gone(struct replica *replica, uint64_t revision); // our key was gone then

// -- word.c: what is said below PREFIX/live/.

// That this copy has applied what it has seen.
void word_announce(struct replica *replica, bool is_first,
                   void (*on_end)(void *replica, const struct outcome *outcome));

// That another one, which is gone, was waited for long enough.
void word_bury(struct replica *replica, const char *id);

// That nobody need wait for this replica; then its lease is given back, and `on_end` gets that outcome. One at a time.
// ERR_MEMORY: nothing was said, `on_end` is not called.
enum err word_farewell(struct replica *replica, const char *id, int64_t lease,
                       void (*on_end)(void *replica, const struct outcome *outcome));

// -- batch.c: changes as transactions.
void batch_turn(struct replica *replica);  // sends what waits, when none is under way
void batch_reset(struct replica *replica); // the outcome of the one under way will not be known: its changes wait again
void batch_end_late(struct replica *replica, uint64_t now_ms);

// -- barrier.c: changes that etcd has, until all replicas have them.
void barrier_add(struct replica *replica, struct changes *changes, uint64_t revision);
void barrier_turn(struct replica *replica); // ends those that all have
void barrier_end_late(struct replica *replica, uint64_t now_ms);

// SPDX-License-Identifier: MIT
// commit: the single thread that writes to the store, and the queue in front of it.
//
// Ownership of a change: the submitter's until commit_submit, the committer's until on_done, the submitter's again from
// the first line of on_done.
#pragma once

#include "apply.h"

struct committer;

// Starts the thread. `env` and `log` must outlive it. ERR_MEMORY, ERR_SYSTEM.
enum err commit_start(struct committer **committer, struct env *env, const struct store_options *options);

// Commits what is queued, refuses what comes later with ERR_STOPPING, joins the thread and frees.
void commit_stop(struct committer *committer);

// As store_submit.
void commit_submit(struct committer *committer, struct change *change);

const struct counters *commit_counters(const struct committer *committer);
const struct store_histograms *commit_histograms(const struct committer *committer);
bool commit_is_sound(const struct committer *committer); // as store_is_writable

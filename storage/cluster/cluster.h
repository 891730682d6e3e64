// SPDX-License-Identifier: MIT
// cluster: the engine of a store that is one of several replicas of what etcd holds. For store.c.
//
// It has one thread, which talks to etcd, is the only writer of the local copy and calls on_done. Changes belong to it
// from cluster_submit until then.
#pragma once

#include "env.h"

struct cluster;

// Starts the thread and waits until the replica is in step, or every endpoint was tried in vain, or START_MAX_MS have
// passed: a server that starts beside a sound etcd answers nothing old. `env` and `options` with all they point to must
// outlive it. A guest waits as long as it makes progress. ERR_MEMORY, ERR_SYSTEM, ERR_CORRUPT, ERR_STORE, for a guest
// ERR_UNREACHABLE: logged as store.refused.
enum err cluster_start(struct cluster **cluster, struct env *env, const struct store_options *options);

// Gives the lease back, so that the others do not wait for us; ends the changes it has with ERR_STOPPING, joins the
// thread and frees.
void cluster_stop(struct cluster *cluster);

// As store_submit, store_fitness, store_status, store_share, store_shared, store_is_first, store_is_writable.
void cluster_submit(struct cluster *cluster, struct change *change);
enum store_fitness cluster_fitness(const struct cluster *cluster);
struct store_status cluster_status(const struct cluster *cluster);
enum err cluster_share(struct cluster *cluster, struct bytes text);
enum err cluster_shared(struct cluster *cluster, uint64_t *version, struct writer *text);
bool cluster_is_first(const struct cluster *cluster);
bool cluster_is_sound(const struct cluster *cluster);

const struct counters *cluster_counters(const struct cluster *cluster);
const struct store_histograms *cluster_histograms(const struct cluster *cluster);

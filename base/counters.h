// SPDX-License-Identifier: MIT
// counters: what happened, counted without locks.
//
// Each thread that counts owns one `struct counters` and is the only one that writes it; it fills whole cache lines, so
// two threads never share one. Anybody may read at any time: a reader sees each counter at some recent value. Totals
// are sums over all owners. Counters only grow and start at zero with the process.
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

// name, help
#define COUNTER_LIST(X)                                                                                                \
    X(udp_queries, "DNS messages received over UDP")                                                                   \
    X(tcp_queries, "DNS messages received over TCP")                                                                   \
    X(tcp_connections, "TCP connections accepted for DNS")                                                             \
    X(tcp_refused, "TCP connections closed to make room for another")                                                  \
    X(tcp_client_refused, "TCP connections closed because their client had too many")                                  \
    X(tcp_held_refused, "TCP connections closed because too much waited for slow clients")                             \
    X(tcp_idle, "TCP connections closed after the idle limit")                                                         \
    X(dropped, "DNS messages that deserve no answer: shorter than a header, or answers")                               \
    X(unsent, "DNS answers that the socket would not take")                                                            \
    X(truncated, "DNS answers sent with TC")                                                                           \
    X(noerror, "answers NOERROR with data")                                                                            \
    X(nodata, "answers NOERROR without data")                                                                          \
    X(referral, "answers NOERROR that refer to a delegation")                                                          \
    X(nxdomain, "answers NXDOMAIN")                                                                                    \
    X(refused, "answers REFUSED")                                                                                      \
    X(formerr, "answers FORMERR")                                                                                      \
    X(notimp, "answers NOTIMP")                                                                                        \
    X(servfail, "answers SERVFAIL")                                                                                    \
    X(badvers, "answers BADVERS")                                                                                      \
    X(badcookie, "answers BADCOOKIE")                                                                                  \
    X(rrl_slipped, "DNS answers over the rate limit that were let through cut short")                                  \
    X(rrl_dropped, "DNS answers over the rate limit that were dropped")                                                \
    X(querylog_dropped, "lines that the query log could not keep up with")                                             \
    X(http_requests, "HTTP requests answered")                                                                         \
    X(http_errors, "HTTP requests answered with a status of 400 or more")                                              \
    X(registrations, "accounts registered")                                                                            \
    X(updates, "updates acknowledged")                                                                                 \
    X(auth_refused, "requests refused with 401")                                                                       \
    X(hashes, "passwords hashed or checked with argon2")                                                               \
    X(hash_busy, "requests refused because the hash queue was full")                                                   \
    X(auth_limited, "requests refused because of failures before them")                                                \
    X(http_limited, "requests refused because their client asks too often")                                            \
    X(http_crowded, "API connections closed because their client has too many")                                        \
    X(http_late, "API connections closed because a request was not complete in time")                                  \
    X(credential_hits, "password checks spared by the verified-credential cache")                                      \
    X(commits, "store transactions committed and synced")                                                              \
    X(changes, "changes committed")                                                                                    \
    X(store_errors, "store transactions that failed")                                                                  \
    X(cluster_states, "changes of the replica's state")                                                                \
    X(cluster_in_step, "times the replica got in step")                                                                \
    X(cluster_endpoint_failures, "sessions with a member of etcd that were lost")                                      \
    X(cluster_sign_ins, "tokens got from etcd")                                                                        \
    X(cluster_loads, "snapshots of etcd taken")                                                                        \
    X(cluster_watches, "watches started")                                                                              \
    X(cluster_compactions, "watches that came too late for what was compacted")                                        \
    X(cluster_leases_lost, "times the replica's lease was gone")                                                       \
    X(cluster_announcements, "revisions announced to the other replicas")                                              \
    X(cluster_transactions, "transactions sent to etcd")                                                               \
    X(cluster_retries, "changes made anew, because another one was faster")                                            \
    X(cluster_unreachable, "changes given up because etcd did not confirm them")                                       \
    X(cluster_barrier_timeouts, "changes that did not get to all replicas in time")                                    \
    X(certificate_loads, "certificates loaded")                                                                        \
    X(certificate_errors, "certificates that could not be loaded")                                                     \
    X(acme_issued, "certificates for its own names that the server has got")                                           \
    X(acme_failures, "orders for one that failed")

enum counter {
#define COUNTER_ENUM(name, help) COUNT_##name,
    COUNTER_LIST(COUNTER_ENUM)
#undef COUNTER_ENUM
        N_COUNTERS
};

struct counters {
    _Alignas(64) _Atomic uint64_t at[N_COUNTERS];
};

// Adds one; only the owning thread may call it.
static inline void count(struct counters *counters, enum counter which)
{
    uint64_t now = atomic_load_explicit(&counters->at[which], memory_order_relaxed);
    atomic_store_explicit(&counters->at[which], now + 1, memory_order_relaxed);
}

static inline void count_many(struct counters *counters, enum counter which, uint64_t n)
{
    uint64_t now = atomic_load_explicit(&counters->at[which], memory_order_relaxed);
    atomic_store_explicit(&counters->at[which], now + n, memory_order_relaxed);
}

static inline uint64_t counter_value(const struct counters *counters, enum counter which)
{
    return atomic_load_explicit(&counters->at[which], memory_order_relaxed);
}

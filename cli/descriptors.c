// SPDX-License-Identifier: MIT
// A server without descriptors can neither accept a connection nor refuse it, nor read its files again: DNS would take
// them from the API. So the limits on connections are made to fit at the start, and that never comes.
//
// The limit of DNS connections is divided among the workers, each of which rounds up and accepts one before it closes
// another; that of the API holds for each of its addresses.
#include "descriptors.h"

#include "exporter.h"

#include <sys/resource.h>

// Log, store, loops, etcd, the service manager, files being reloaded; and what each worker and each address takes.
enum { SPARE = 64, EACH_WORKER = 8, EACH_ADDRESS = 4 };

static int64_t raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return INT64_MAX;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT64_MAX)
        return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

// At least `least`, however little there is: somebody has to be served.
static int64_t share_of(int64_t connections, int64_t n_left, int64_t n_wanted, int64_t least)
{
    int64_t share = n_left > 0 ? connections * n_left / n_wanted : 0;
    return share > least ? share : least;
}

void descriptors_fit(struct conf *conf, struct log *log)
{
    int64_t limit = raise_limit();
    int64_t n_workers = conf->general_workers, n_apis = (int64_t)conf->api_listens.n;
    int64_t n_metrics = (int64_t)conf->metrics_listens.n;
    int64_t n_fixed = SPARE + n_apis * EACH_ADDRESS + n_metrics * (EACH_ADDRESS + EXPORTER_CONNECTIONS_MAX) +
                      n_workers * (EACH_WORKER + (int64_t)conf->dns_listens.n * EACH_ADDRESS);
    int64_t n_wanted = conf->general_tcp_connections + conf->api_connections * n_apis;
    if (n_fixed + n_wanted <= limit)
        return;
    int64_t n_left = limit - n_fixed;
    conf->general_tcp_connections = share_of(conf->general_tcp_connections, n_left, n_wanted, n_workers);
    conf->api_connections = share_of(conf->api_connections, n_left, n_wanted, 1);
    log_write(log, LOG_WARN, "serve.few_descriptors", LOG_INT("limit", limit), LOG_INT("wanted", n_fixed + n_wanted),
              LOG_INT("tcp_connections", conf->general_tcp_connections),
              LOG_INT("api_connections", conf->api_connections),
              LOG_STR("advice", "raise LimitNOFILE (ulimit -n), or lower the connections in the config"));
}

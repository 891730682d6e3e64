// SPDX-License-Identifier: MIT
// One reader for each thread that answers DNS, and those of the API, of the challenge and of the metrics.
#include "database.h"

enum { SPARE_READERS = 3 };

const char *database_directory(const struct conf *conf)
{
    return conf->etcd_endpoints.n > 0 ? conf->database_path : conf->database_connection;
}

static struct store_cluster cluster_of(const struct conf *conf)
{
    return (struct store_cluster){.endpoints = conf->etcd_endpoints.at,
                                  .n_endpoints = conf->etcd_endpoints.n,
                                  .prefix = conf->database_prefix,
                                  .username = conf->database_username,
                                  .password = conf->database_password,
                                  .tls_ca = conf->database_tls_ca,
                                  .tls_cert = conf->database_tls_cert,
                                  .tls_key = conf->database_tls_key,
                                  .replica_id = conf->database_replica_id,
                                  .connect_ms = (unsigned)conf->database_connect_ms,
                                  .request_ms = (unsigned)conf->database_request_ms,
                                  .lease_s = (unsigned)conf->database_lease_s,
                                  .barrier_s = (unsigned)conf->database_barrier_s,
                                  .stale_s = (unsigned)conf->database_stale_s,
                                  .refuses_stale = strcmp(conf->database_stale_answers, "servfail") == 0};
}

void database_read(struct database *database, const struct conf *conf, struct log *log)
{
    bool is_replica = conf->etcd_endpoints.n > 0;
    database->cluster = cluster_of(conf);
    database->options = (struct store_options){.cluster = is_replica ? &database->cluster : NULL,
                                               .directory = database_directory(conf),
                                               .map_bytes = (uint64_t)conf->database_map_size,
                                               .check_max_bytes = (uint64_t)conf->database_check_max,
                                               .n_values = (unsigned)conf->general_txt_values,
                                               .n_readers = (unsigned)conf->general_workers + SPARE_READERS,
                                               .log = log};
}

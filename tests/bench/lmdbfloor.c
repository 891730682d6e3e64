// SPDX-License-Identifier: MIT
// The most LMDB and this disk can do: a table of `records` records like those of values, then puts to `touched` of them
// in turn, `batch` to a transaction, each transaction committed and synced as the product does it.
#include "args.h"
#include "meter.h"
#include "population.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_BYTES = UUID_TEXT_SIZE - 1, RECORD_BYTES = 136, STRIDE = 1000003 };

static double records = 100000, touched = 64, batch = 1, warm_up = 0.1, seconds = 2;
static const char *folder = "";

static const struct arg args[] = {
    {"records", &records, NULL}, {"touched", &touched, NULL}, {"batch", &batch, NULL},
    {"warm_up", &warm_up, NULL}, {"seconds", &seconds, NULL}, {"folder", NULL, &folder},
};

static MDB_env *env;
static MDB_dbi table;

static void check(int status)
{
    if (status != 0) {
        fprintf(stderr, "lmdbfloor: %s\n", mdb_strerror(status));
        exit(1);
    }
}

static void put(MDB_txn *txn, uint64_t i, unsigned flags)
{
    char key[UUID_TEXT_SIZE];
    uint64_t record[RECORD_BYTES / sizeof(uint64_t)];
    struct uuid name = population_subdomain(i, (uint64_t)records);
    uuid_write(&name, key);
    for (size_t at = 0; at < sizeof record / sizeof record[0]; at++)
        record[at] = meter_now_ns();
    MDB_val k = {KEY_BYTES, key}, v = {sizeof record, record};
    check(mdb_put(txn, table, &k, &v, flags));
}

static void fill(void)
{
    MDB_txn *txn;
    check(mdb_txn_begin(env, NULL, 0, &txn));
    check(mdb_dbi_open(txn, NULL, 0, &table));
    for (uint64_t i = 0; i < (uint64_t)records; i++)
        put(txn, i, MDB_APPEND);
    check(mdb_txn_commit(txn));
}

static void commit_batch(unsigned n)
{
    static uint64_t turn;
    MDB_txn *txn;
    check(mdb_txn_begin(env, NULL, 0, &txn));
    for (unsigned i = 0; i < n; i++)
        put(txn, turn++ % (uint64_t)touched * STRIDE % (uint64_t)records, 0);
    check(mdb_txn_commit(txn));
}

int main(int argc, char **argv)
{
    static struct meter meter;
    args_read(argc, argv, args, sizeof args / sizeof args[0]);
    check(mdb_env_create(&env));
    check(mdb_env_set_mapsize(env, 4ull << 30));
    check(mdb_env_open(env, folder, 0, 0600));
    fill();
    unsigned n = batch < 1 ? 1 : (unsigned)batch;
    meter_open(&meter, &(struct meter_options){warm_up, seconds, ""});
    for (uint64_t before_ns = meter_now_ns(), now_ns; meter_goes_on(&meter, before_ns); before_ns = now_ns) {
        commit_batch(n);
        now_ns = meter_now_ns();
        for (unsigned i = 0; i < n; i++)
            meter_answer(&meter, now_ns - before_ns, RECORD_BYTES, 0);
    }
    meter_print(&meter);
    mdb_env_close(env);
    return 0;
}

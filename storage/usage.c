// SPDX-License-Identifier: MIT
// LMDB's file never shrinks: what is deleted is noted in a table of free pages and used again later. So a store that
// has grown to the end of its map is not yet full; it is when there are no free pages either. The table of free pages
// is the first one (number 0), and each of its records begins with the number of pages it names.
//
// A store with more than RECORDS_MAX such records is said to have less free than it has, rather than to be read for
// long.
#include "usage.h"

#include <string.h>
#include <sys/statvfs.h>

enum { FREE_TABLE = 0, RECORDS_MAX = 1024 };

static enum err count_free(MDB_txn *txn, uint64_t *n_pages)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    enum err err = env_err(mdb_cursor_open(txn, FREE_TABLE, &cursor));
    if (err != ERR_OK)
        return err;
    *n_pages = 0;
    for (int i = 0; i < RECORDS_MAX && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS; i++) {
        size_t n = 0;
        if (value.mv_size >= sizeof n)
            memcpy(&n, value.mv_data, sizeof n);
        *n_pages += n;
    }
    mdb_cursor_close(cursor);
    return ERR_OK;
}

static enum err read_disk(const struct env *env, struct store_usage *usage)
{
    struct statvfs disk;
    const char *path;
    if (mdb_env_get_path(env->mdb, &path) != MDB_SUCCESS || statvfs(path, &disk) != 0)
        return ERR_SYSTEM;
    usage->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    usage->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return ERR_OK;
}

enum err usage_read(const struct env *env, MDB_txn *txn, struct store_usage *usage)
{
    struct store_usage out;
    MDB_envinfo info;
    MDB_stat accounts;
    uint64_t n_free;
    enum err err = env_err(mdb_stat(txn, env->accounts, &accounts));
    if (err == ERR_OK)
        err = env_err(mdb_env_info(env->mdb, &info));
    if (err == ERR_OK)
        err = count_free(txn, &n_free);
    if (err == ERR_OK)
        err = read_disk(env, &out);
    if (err != ERR_OK)
        return err;
    out.n_accounts = accounts.ms_entries;
    out.map_bytes = info.me_mapsize;
    out.used_bytes = (uint64_t)(info.me_last_pgno + 1) * accounts.ms_psize;
    out.free_bytes = n_free * accounts.ms_psize;
    *usage = out;
    return ERR_OK;
}

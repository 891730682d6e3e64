// SPDX-License-Identifier: MIT
// A file may rightly be shorter than its header says: a page that was taken at the end and given back within one
// transaction is never written, but counts, and stands in the list of free pages. So when pages are missing, that list
// is asked whether all of them are free. It may itself have been cut off: the file is made long enough first, with
// zeros, in which LMDB sees corruption instead of running off the end; a file that is refused gets its old length back.
#include "extent.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FREE_LIST = 0 }; // LMDB's own table: transaction -> a count and so many page numbers

// How many of the page numbers in one record of the free list lie at or behind `first`.
static size_t count_missing(const MDB_val *record, size_t first)
{
    size_t numbers[2];
    size_t n_missing = 0;
    size_t n = record->mv_size / sizeof numbers[0];
    for (size_t i = 1; i < n; i++) {
        memcpy(numbers, (const uint8_t *)record->mv_data + i * sizeof numbers[0], sizeof numbers[0]);
        n_missing += numbers[0] >= first;
    }
    return n_missing;
}

static int count_free(MDB_env *mdb, size_t first, size_t *n_free)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    int status = mdb_txn_begin(mdb, NULL, MDB_RDONLY, &txn);
    if (status != MDB_SUCCESS)
        return status;
    status = mdb_cursor_open(txn, FREE_LIST, &cursor);
    if (status == MDB_SUCCESS) {
        MDB_val key;
        MDB_val record;
        while ((status = mdb_cursor_get(cursor, &key, &record, MDB_NEXT)) == MDB_SUCCESS)
            *n_free += count_missing(&record, first);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return status == MDB_NOTFOUND ? MDB_SUCCESS : status;
}

enum err extent_check(MDB_env *mdb)
{
    MDB_envinfo info;
    MDB_stat pages;
    struct stat file;
    int fd;
    if (mdb_env_get_fd(mdb, &fd) != MDB_SUCCESS || mdb_env_info(mdb, &info) != MDB_SUCCESS ||
        mdb_env_stat(mdb, &pages) != MDB_SUCCESS)
        return ERR_STORE;
    if (fstat(fd, &file) != 0)
        return ERR_SYSTEM;
    size_t n_pages = info.me_last_pgno + 1;
    size_t n_there = (size_t)file.st_size / pages.ms_psize;
    if (n_there >= n_pages)
        return ERR_OK;
    if (ftruncate(fd, (off_t)(n_pages * pages.ms_psize)) != 0)
        return ERR_SYSTEM;
    size_t n_free = 0;
    int status = count_free(mdb, n_there, &n_free);
    if (status == MDB_SUCCESS && n_free == n_pages - n_there)
        return ERR_OK;
    (void)!ftruncate(fd, file.st_size);
    return ERR_CORRUPT;
}

// SPDX-License-Identifier: MIT
// Opening a store is a row of steps, each of which may refuse; the first refusal is logged with the step's name and
// ends it.
//
// A file that was cut short is found before anything is read (extent.h). MDB_NOTLS ties read slots to our reader
// objects, not to threads. Durability is LMDB's default: data synced, then the header page, before a commit returns. In
// a replica's copy the header page of a commit is synced with the next one (MDB_NOMETASYNC): a power cut may take the
// last commit back, whole and with its revision, and the replica fetches it again.
#include "env.h"

#include "descent.h"
#include "extent.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { N_TABLES = 3, SPARE_READERS = 16 };

enum err env_err(int status)
{
    switch (status) {
    case MDB_SUCCESS:
        return ERR_OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return ERR_NEWER;
    case ENOMEM:
        return ERR_MEMORY;
    default:
        return ERR_STORE;
    }
}

enum err env_get(MDB_txn *txn, MDB_dbi table, struct bytes key, struct bytes *record)
{
    MDB_val k = {key.n, (void *)(uintptr_t)key.at}; // LMDB only reads it
    MDB_val v;
    int status = mdb_get(txn, table, &k, &v);
    if (status == MDB_SUCCESS)
        *record = (struct bytes){v.mv_data, v.mv_size};
    return env_err(status);
}

enum err env_put_number(const struct env *env, MDB_txn *txn, const char *name, uint64_t number)
{
    uint8_t text[8];
    struct writer w = writer_of(text, sizeof text);
    put_u64(&w, number);
    MDB_val k = {strlen(name), (void *)(uintptr_t)name};
    MDB_val v = {sizeof text, text};
    return env_err(mdb_put(txn, env->meta, &k, &v, 0));
}

enum err env_get_number(const struct env *env, MDB_txn *txn, const char *name, uint64_t *number)
{
    struct bytes record = {0};
    enum err err = env_get(txn, env->meta, bytes_of_text(name), &record);
    if (err == ERR_NOT_FOUND) {
        *number = 0;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    struct reader r = reader_of(record.at, record.n);
    uint64_t out = take_u64(&r);
    if (!reader_is_done(&r))
        return ERR_CORRUPT;
    *number = out;
    return ERR_OK;
}

enum err env_revision(const struct env *env, MDB_txn *txn, uint64_t *revision)
{
    return env_get_number(env, txn, "revision", revision);
}

enum err env_set_revision(const struct env *env, MDB_txn *txn, uint64_t revision)
{
    return env_put_number(env, txn, "revision", revision);
}

static enum err refuse(const struct store_options *options, const char *step, enum err err, const char *reason)
{
    log_write(options->log, LOG_ERROR, "store.refused", LOG_STR("path", options->directory), LOG_STR("step", step),
              LOG_ERR(err), LOG_STR("reason", reason));
    return err;
}

static enum err refuse_status(const struct store_options *options, const char *step, int status)
{
    return refuse(options, step, env_err(status), mdb_strerror(status));
}

// A copy that nobody will see again need not outlive anything.
static unsigned flags_of(const struct store_options *options)
{
    if (options->cluster == NULL)
        return MDB_NOTLS;
    return options->is_guest ? MDB_NOTLS | MDB_NOSYNC : MDB_NOTLS | MDB_NOMETASYNC;
}

static enum err open_files(struct env *env, const struct store_options *options, const char *directory)
{
    int status = mdb_env_create(&env->mdb);
    if (status != MDB_SUCCESS)
        return refuse_status(options, "create", status);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    status = mdb_env_set_mapsize(env->mdb, (options->map_bytes + page - 1) / page * page);
    if (status == MDB_SUCCESS)
        status = mdb_env_set_maxdbs(env->mdb, N_TABLES);
    if (status == MDB_SUCCESS)
        status = mdb_env_set_maxreaders(env->mdb, options->n_readers + SPARE_READERS);
    if (status == MDB_SUCCESS)
        status = mdb_env_open(env->mdb, directory, flags_of(options), 0600);
    if (status != MDB_SUCCESS)
        return refuse_status(options, "open", status);
    int n_dead;
    status = mdb_reader_check(env->mdb, &n_dead); // read slots of processes that were killed
    if (status != MDB_SUCCESS)
        return refuse_status(options, "readers", status);
    enum err err = extent_check(env->mdb);
    return err == ERR_OK ? ERR_OK : refuse(options, "extent", err, "the file is shorter than its header says");
}

// Refuses a newer store; marks a new one.
static enum err check_format(const struct env *env, MDB_txn *txn, const struct store_options *options)
{
    uint64_t format;
    enum err err = env_get_number(env, txn, "format", &format);
    if (err == ERR_OK && format == 0)
        err = env_put_number(env, txn, "format", ENV_FORMAT);
    if (err != ERR_OK)
        return refuse(options, "format", err, "the format cannot be read or written");
    if (format > ENV_FORMAT) {
        char reason[96];
        snprintf(reason, sizeof reason, "its format is %llu, this program knows up to %d", (unsigned long long)format,
                 ENV_FORMAT);
        return refuse(options, "format", ERR_NEWER, reason);
    }
    return ERR_OK;
}

// A standalone store is nobody's copy, and a copy is no standalone store: neither is taken for the other.
static enum err check_kind(const struct env *env, MDB_txn *txn, const struct store_options *options)
{
    uint64_t cluster = 0;
    MDB_stat accounts = {0};
    enum err err = env_get_number(env, txn, ENV_CLUSTER, &cluster);
    if (err == ERR_OK)
        err = env_err(mdb_stat(txn, env->accounts, &accounts));
    if (err != ERR_OK)
        return refuse(options, "kind", err, "it cannot be read");
    if (options->cluster == NULL && cluster != 0)
        return refuse(options, "kind", ERR_EXISTS, "it is a replica's copy of what etcd holds: engine = \"etcd\"");
    if (options->cluster != NULL && cluster == 0 && accounts.ms_entries > 0)
        return refuse(options, "kind", ERR_EXISTS,
                      "it is a standalone store; a replica needs a path of its own for its copy of what etcd holds");
    return ERR_OK;
}

static enum err open_tables(struct env *env, const struct store_options *options)
{
    MDB_txn *txn;
    int status = mdb_txn_begin(env->mdb, NULL, 0, &txn);
    if (status != MDB_SUCCESS)
        return refuse_status(options, "tables", status);
    const struct {
        const char *name;
        MDB_dbi *table;
    } tables[N_TABLES] = {{"meta", &env->meta}, {"accounts", &env->accounts}, {"values", &env->values}};
    for (size_t i = 0; i < N_TABLES && status == MDB_SUCCESS; i++)
        status = mdb_dbi_open(txn, tables[i].name, MDB_CREATE, tables[i].table);
    if (status == MDB_SUCCESS)
        status = mdb_dbi_open(txn, NULL, 0, &env->tables);
    if (status == MDB_SUCCESS && descent_is_possible(env, txn))
        env->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    enum err err = status == MDB_SUCCESS ? check_format(env, txn, options) : refuse_status(options, "tables", status);
    if (err == ERR_OK)
        err = check_kind(env, txn, options);
    if (err != ERR_OK) {
        mdb_txn_abort(txn);
        return err;
    }
    status = mdb_txn_commit(txn);
    return status == MDB_SUCCESS ? ERR_OK : refuse_status(options, "tables", status);
}

// The files of a guest's copy lose their names as soon as they are open, so they are gone with the process, however it
// ends.
static enum err open_nameless(struct env *env, const struct store_options *options)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char directory[PATH_MAX], path[PATH_MAX + 16];
    snprintf(directory, sizeof directory, "%s/acmezone-XXXXXX", options->directory);
    if (mkdtemp(directory) == NULL)
        return refuse(options, "directory", ERR_SYSTEM, strerror(errno));
    enum err err = open_files(env, options, directory);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(directory);
    return err;
}

static enum err open_named(struct env *env, const struct store_options *options)
{
    enum err err = store_make_directory(options->directory, options->log);
    return err == ERR_OK ? open_files(env, options, options->directory) : err;
}

enum err env_open(struct env *env, const struct store_options *options)
{
    struct env self = {0};
    bool is_nameless = options->cluster != NULL && options->is_guest;
    enum err err = is_nameless ? open_nameless(&self, options) : open_named(&self, options);
    if (err == ERR_OK)
        err = open_tables(&self, options);
    if (err == ERR_OK)
        *env = self;
    else
        env_close(&self);
    return err;
}

void env_close(struct env *env)
{
    if (env->mdb != NULL)
        mdb_env_close(env->mdb);
    env->mdb = NULL;
}

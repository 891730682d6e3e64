// SPDX-License-Identifier: MIT
// Opening a store is a row of steps, each of which may refuse; the first refusal is logged with the step's name and
// ends it.
//
// LMDB believes what its file says. So the two headers and the size are looked at before LMDB opens it, and the rest,
// as far as there is time for it, before it reads or writes in it (check.h). MDB_NOTLS ties read slots to our
// snapshots, not to threads. Durability is LMDB's default: data synced, then the header page, before a commit returns.
// In a replica's copy the header page of a commit is synced with the next one (MDB_NOMETASYNC): a power cut may take
// the last commit back, whole and with its revision, and the replica fetches it again.
//
// The file is mapped twice: by LMDB, and by us for reading, since LMDB does not tell where its map is, and unmaps it
// when it has to be opened again. Both show the same memory, that of the file.
#include "env.h"

#include "check.h"
#include "descent.h"
#include "edit.h"
#include "header.h"
#include "shield.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "format" // in meta

enum { SPARE_READERS = 16 };

const char *const ENV_NAMES[ENV_TABLES] = {[ENV_META] = "meta", [ENV_ACCOUNTS] = "accounts", [ENV_VALUES] = "values"};

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

enum err env_read_number(struct bytes record, uint64_t *number)
{
    struct reader r = reader_of(record.at, record.n);
    uint64_t out = take_u64(&r);
    if (!reader_is_done(&r))
        return ERR_CORRUPT;
    *number = out;
    return ERR_OK;
}

void env_tell_damage(struct env *env, const char *reason)
{
    if (!atomic_exchange(&env->is_damage_told, true))
        log_write(env->options.log, LOG_ERROR, "store.damaged", LOG_STR("path", env->directory),
                  LOG_STR("reason", reason));
}

int env_free_dead_readers(const struct env *env)
{
    int n_dead;
    return env->mdb == NULL ? MDB_SUCCESS : mdb_reader_check(env->mdb, &n_dead);
}

// --- Steps ---

static enum err refuse(const struct env *env, const char *step, enum err err, const char *reason)
{
    if (!env->is_told)
        log_write(env->options.log, LOG_ERROR, "store.refused", LOG_STR("path", env->directory), LOG_STR("step", step),
                  LOG_ERR(err), LOG_STR("reason", reason));
    return err;
}

static enum err refuse_status(const struct env *env, const char *step, int status)
{
    return refuse(env, step, env_err(status), mdb_strerror(status));
}

// A copy that nobody will see again need not outlive anything.
static unsigned flags_of(const struct store_options *options)
{
    if (options->cluster == NULL)
        return MDB_NOTLS;
    return options->is_guest ? MDB_NOTLS | MDB_NOSYNC : MDB_NOTLS | MDB_NOMETASYNC;
}

static enum err open_directory(struct env *env)
{
    const char *why;
    struct stat file;
    enum err err = store_make_directory(env->directory, env->options.log);
    if (err != ERR_OK)
        return err;
    env->is_new = stat(env->path, &file) != 0 ? errno == ENOENT : file.st_size == 0;
    int fd = open(env->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_OK; // there is none yet, or LMDB will say what is wrong
    err = check_headers(fd, &why);
    close(fd);
    return err == ERR_OK ? ERR_OK : refuse(env, "headers", err, why);
}

static enum err open_files(struct env *env)
{
    const struct store_options *options = &env->options;
    int status = mdb_env_create(&env->mdb);
    if (status != MDB_SUCCESS)
        return refuse_status(env, "create", status);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    status = mdb_env_set_mapsize(env->mdb, (options->map_bytes + page - 1) / page * page);
    if (status == MDB_SUCCESS)
        status = mdb_env_set_maxdbs(env->mdb, ENV_TABLES);
    if (status == MDB_SUCCESS)
        status = mdb_env_set_maxreaders(env->mdb, options->n_readers + SPARE_READERS);
    if (status == MDB_SUCCESS)
        status = mdb_env_open(env->mdb, options->directory, flags_of(options), 0600);
    if (status == MDB_SUCCESS)
        status = env_free_dead_readers(env);
    return status == MDB_SUCCESS ? ERR_OK : refuse_status(env, "open", status);
}

static enum err map_file(struct env *env)
{
    MDB_envinfo info;
    MDB_stat pages;
    int fd;
    int status = mdb_env_get_fd(env->mdb, &fd);
    if (status == MDB_SUCCESS)
        status = mdb_env_info(env->mdb, &info);
    if (status == MDB_SUCCESS)
        status = mdb_env_stat(env->mdb, &pages);
    if (status != MDB_SUCCESS)
        return refuse_status(env, "map", status);
    void *map = mmap(NULL, info.me_mapsize, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return refuse(env, "map", ERR_SYSTEM, strerror(errno));
    env->map = (struct bytes){map, info.me_mapsize};
    env->page_bytes = pages.ms_psize;
    atomic_store(&env->committed, info.me_last_txnid);
    return ERR_OK;
}

// Refuses a store of another format; a new one has none.
static enum err check_format(const struct env *env, const struct pages *pages)
{
    struct page_tree meta;
    struct bytes record = {0};
    char reason[96];
    uint64_t format = 0;
    enum err err = descent_find_tree(pages, ENV_NAMES[ENV_META], &meta);
    if (err == ERR_OK)
        err = descent_find_one(pages, &meta, bytes_of_text(FORMAT), &record);
    if (err == ERR_OK)
        err = env_read_number(record, &format);
    if (err == ERR_NOT_FOUND || (err == ERR_OK && format == ENV_FORMAT))
        return ERR_OK;
    if (err != ERR_OK)
        return refuse(env, "format", err, "the format cannot be read");
    snprintf(reason, sizeof reason, "its format is %llu, this program knows %d", (unsigned long long)format,
             ENV_FORMAT);
    return refuse(env, "format", format > ENV_FORMAT ? ERR_NEWER : ERR_CORRUPT, reason);
}

static enum err check_pages(const struct env *env, const struct pages *pages, const struct check_extent *extent)
{
    const char *why = "";
    enum err err = check_file(pages, extent, &why);
    return err == ERR_OK ? check_format(env, pages) : refuse(env, "check", err, why);
}

static enum err check(struct env *env)
{
    struct pages pages;
    struct stat file;
    int fd;
    if (mdb_env_get_fd(env->mdb, &fd) != MDB_SUCCESS || fstat(fd, &file) != 0)
        return refuse(env, "check", ERR_SYSTEM, strerror(errno));
    const struct check_extent extent = {(uint64_t)file.st_size / env->page_bytes,
                                        env->options.check_max_bytes / env->page_bytes};
    enum err err = header_open(&pages, env->map, env->page_bytes, env_committed(env));
    if (err != ERR_OK)
        return refuse(env, "check", ERR_CORRUPT, "its header is damaged");
    err = check_pages(env, &pages, &extent);
    if (err != ERR_OK)
        return err;
    // What is missing is free pages: now they are there, and a look at them is no look past the end.
    if (extent.n_there < pages.n && ftruncate(fd, (off_t)(pages.n * env->page_bytes)) != 0)
        return refuse(env, "check", ERR_SYSTEM, strerror(errno));
    return ERR_OK;
}

static enum err mark_format(struct edit *edit)
{
    uint64_t format;
    enum err err = edit_get_number(edit, FORMAT, &format);
    if (err == ERR_OK && format == 0)
        err = edit_put_number(edit, FORMAT, ENV_FORMAT);
    return err == ERR_OK ? ERR_OK : refuse(edit->env, "format", err, "the format cannot be read or written");
}

// A standalone store is nobody's copy, and a copy is no standalone store: neither is taken for the other.
static enum err check_kind(struct edit *edit)
{
    struct env *env = edit->env;
    const struct store_options *options = &env->options;
    uint64_t cluster = 0;
    MDB_stat accounts = {0};
    enum err err = edit_get_number(edit, ENV_CLUSTER, &cluster);
    if (err == ERR_OK)
        err = env_err(mdb_stat(edit->txn, env->tables[ENV_ACCOUNTS], &accounts));
    if (err != ERR_OK)
        return refuse(env, "kind", err, "it cannot be read");
    if (options->cluster == NULL && cluster != 0)
        return refuse(env, "kind", ERR_EXISTS, "it is a replica's copy of what etcd holds: engine = \"etcd\"");
    if (options->cluster != NULL && cluster == 0 && accounts.ms_entries > 0)
        return refuse(env, "kind", ERR_EXISTS,
                      "it is a standalone store; a replica needs a path of its own for its copy of what etcd holds");
    return ERR_OK;
}

static enum err open_tables(struct env *env)
{
    struct edit edit = {.env = env};
    int status = mdb_txn_begin(env->mdb, NULL, 0, &edit.txn);
    if (status != MDB_SUCCESS)
        return refuse_status(env, "tables", status);
    env_note_committed(env, mdb_txn_id(edit.txn) - 1);
    for (size_t i = 0; i < ENV_TABLES && status == MDB_SUCCESS; i++)
        status = mdb_dbi_open(edit.txn, ENV_NAMES[i], MDB_CREATE, &env->tables[i]);
    enum err err = status == MDB_SUCCESS ? mark_format(&edit) : refuse_status(env, "tables", status);
    if (err == ERR_OK)
        err = check_kind(&edit);
    if (err != ERR_OK) {
        edit_abort(&edit);
        return err;
    }
    err = edit_commit(&edit);
    return err == ERR_OK ? ERR_OK : refuse(env, "tables", err, "it cannot be written");
}

enum err env_open_mdb(struct env *env)
{
    enum err err = open_files(env);
    return err == ERR_OK ? open_tables(env) : err;
}

// --- Open and close ---

struct opening {
    struct env *env;
    enum err err;
};

static void open_all(void *arg)
{
    static enum err (*const steps[])(struct env * env) = {open_directory, open_files, map_file, check, open_tables};
    struct opening *opening = arg;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && opening->err == ERR_OK; i++)
        opening->err = steps[i](opening->env);
}

static void free_paths(struct env *env)
{
    free(env->path);
    free(env->directory);
}

static bool is_nameless(const struct store_options *options)
{
    return options->cluster != NULL && options->is_guest;
}

// A guest's copy has a directory of its own, to begin with.
static enum err name_paths(struct env *env, const struct store_options *options)
{
    int n = asprintf(&env->directory, "%s%s", options->directory, is_nameless(options) ? "/acmezone-XXXXXX" : "");
    if (n < 0) {
        env->directory = NULL;
        return ERR_MEMORY;
    }
    env->options.directory = env->directory;
    if (is_nameless(options) && mkdtemp(env->directory) == NULL)
        return refuse(env, "directory", ERR_SYSTEM, strerror(errno));
    if (asprintf(&env->path, "%s/data.mdb", env->directory) >= 0)
        return ERR_OK;
    env->path = NULL;
    return ERR_MEMORY;
}

// The files of a guest's copy lose their names as soon as they are open, so they are gone with the process, however it
// ends.
static void remove_names(const struct env *env)
{
    char lock[PATH_MAX];
    snprintf(lock, sizeof lock, "%s/lock.mdb", env->directory);
    (void)unlink(env->path);
    (void)unlink(lock);
    (void)rmdir(env->directory);
}

enum err env_open(struct env *env, const struct store_options *options)
{
    *env = (struct env){.options = *options};
    enum err err = name_paths(env, options);
    if (err == ERR_OK && uv_mutex_init(&env->mutex) != 0)
        err = ERR_SYSTEM;
    if (err != ERR_OK) {
        free_paths(env);
        return err;
    }
    struct opening opening = {env, shield_install()};
    if (!shield_run(open_all, &opening))
        opening.err = refuse(env, "open", ERR_STORE, "the disk is full, or cannot be read");
    if (is_nameless(options))
        remove_names(env);
    if (opening.err != ERR_OK) {
        if (env->is_new)
            (void)unlink(env->path); // half of a new file is no store, and would be refused the next time
        env_close(env);
    }
    return opening.err;
}

// What a write that was cut off holds, LMDB's lock among it, cannot be given back: it stays until the process ends.
struct lost {
    MDB_env *mdb;
    struct lost *next;
};

static void keep_lost(MDB_env *mdb)
{
    static _Atomic(struct lost *) all;
    struct lost *lost = malloc(sizeof *lost);
    if (lost != NULL)
        *lost = (struct lost){mdb, atomic_exchange(&all, lost)};
}

void env_close(struct env *env)
{
    if (env->is_lost)
        keep_lost(env->mdb);
    else if (env->mdb != NULL)
        mdb_env_close(env->mdb);
    if (env->map.n != 0)
        munmap((void *)(uintptr_t)env->map.at, env->map.n);
    uv_mutex_destroy(&env->mutex);
    free_paths(env);
    *env = (struct env){0};
}

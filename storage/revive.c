// SPDX-License-Identifier: MIT
// A commit writes the changed pages, syncs them, and then writes and syncs one header page. When that last step fails,
// LMDB cannot know what the disk holds now, and from then on refuses everything, reading too (MDB_PANIC). A restart
// would cure it. But while the disk fails each update would end the process, and DNS with it; so it is done in place:
//
//   - Reading needs no LMDB as long as nobody writes (snapshot.h): its read transactions are ended one by one, each
//     between two batches of queries. Nobody else is kept waiting, however long the rest may take.
//   - LMDB is closed.
//   - The header that was to be written may be the old one, the new one or neither, on the disk and in memory alike. It
//     is overwritten with what the last good one says, as an older one, and synced. When this fails, the disk is still
//     broken: try again later. Without it, the next commit would fill pages that the half written header may refer to,
//     and a power cut at the wrong moment would leave that header as the newest.
//     But when another process has the store open too, LMDB keeps the number of the last commit in the memory that they
//     share, and the header may be that of a commit that the other has made since: then it is left alone.
//   - LMDB is opened again, and the snapshots get their read transactions back. Only then does anybody write.
#include "revive.h"

#include "header.h"
#include "shield.h"
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4200 };

static enum err write_header(const struct env *env, int fd)
{
    struct pages pages;
    uint64_t committed = env_committed(env);
    enum err err = header_open(&pages, env->map, env->page_bytes, committed);
    if (err != ERR_OK)
        return ERR_CORRUPT;
    uint8_t header[HEADER_MAX_BYTES];
    header_write_other(&pages, header);
    off_t at = (off_t)(~committed & 1) * (off_t)env->page_bytes;
    bool is_written = pwrite(fd, header, sizeof header, at) == sizeof header;
    return is_written && fdatasync(fd) == 0 ? ERR_OK : ERR_SYSTEM;
}

// LMDB holds a share of a lock on its lock file for as long as the store is open, which ours no longer is.
static bool is_open_elsewhere(const struct env *env)
{
    char path[PATH_MAX_BYTES];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    snprintf(path, sizeof path, "%s/lock.mdb", env->directory);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_locked = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return is_locked;
}

static enum err take_back_header(const struct env *env)
{
    if (is_open_elsewhere(env))
        return ERR_OK;
    int fd = open(env->path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return ERR_SYSTEM;
    errno = 0;
    enum err err = write_header(env, fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

struct reopening {
    struct env *env;
    enum err err;
};

static void reopen(void *arg)
{
    struct reopening *reopening = arg;
    struct env *env = reopening->env;
    enum err err = take_back_header(env);
    if (err != ERR_OK && !env->is_told)
        log_write(env->options.log, LOG_ERROR, "store.refused", LOG_STR("path", env->directory),
                  LOG_STR("step", "revive"), LOG_ERR(err), LOG_STR("reason", strerror(errno)));
    if (err == ERR_OK)
        err = env_open_mdb(env);
    if (err == ERR_OK)
        err = snapshot_resume_all(env);
    reopening->err = err;
}

static void close_mdb(struct env *env)
{
    snapshot_park_all(env);
    if (env->mdb != NULL)
        mdb_env_close(env->mdb);
    env->mdb = NULL;
}

enum err env_revive(struct env *env)
{
    struct reopening reopening = {.env = env};
    uv_mutex_lock(&env->mutex);
    close_mdb(env);
    if (!shield_run(reopen, &reopening)) {
        env->is_lost = true;
        reopening.err = ERR_STORE;
    } else if (reopening.err != ERR_OK) {
        close_mdb(env);
    } else {
        log_write(env->options.log, LOG_WARN, "store.revived", LOG_STR("path", env->directory));
    }
    env->is_told = reopening.err != ERR_OK;
    uv_mutex_unlock(&env->mutex);
    return reopening.err;
}

// SPDX-License-Identifier: MIT
// The file is opened read-only. In a store's directory that goes through LMDB's lock file like any reader, so what the
// snapshot needs is not overwritten by a server; a backup has no lock file and nobody who writes.
//
// Damage that a checksum would find, LMDB finds by falling over it: a page that points outside the file is a SIGBUS,
// one that holds nonsense an assertion. So the walk is done by a child, which sends its findings through a pipe, and
// whose sudden death is a finding too.
//
// A restore holds the lock that every LMDB process takes a share of as long as it has the store open: nobody else has
// it open then, and who opens it meanwhile waits. The lock file itself stays.
#include "image.h"

#include "inspect.h"
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4200, TELL_MAX = 300, SCRATCH_BYTES = 1 << 20 };

struct image {
    struct env env;
    MDB_txn *txn;
};

__attribute__((format(printf, 3, 4))) static enum err fail(char why[IMAGE_WHY_MAX], enum err err, const char *format,
                                                           ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, IMAGE_WHY_MAX, format, arguments);
    va_end(arguments);
    return err;
}

static enum err fail_system(char why[IMAGE_WHY_MAX], const char *path)
{
    enum err err = errno == ENOENT ? ERR_NOT_FOUND : errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_SYSTEM;
    return fail(why, err, "%s: %s", path, strerror(errno));
}

// --- Opening ---

static enum err fail_status(char why[IMAGE_WHY_MAX], const char *place, int status)
{
    if (status == MDB_INVALID || status == MDB_NOTFOUND)
        return fail(why, ERR_CORRUPT, "%s: it is no store of acmezone, or a damaged one", place);
    return fail(why, status == ENOENT ? ERR_NOT_FOUND : env_err(status), "%s: %s", place, mdb_strerror(status));
}

static int open_tables(struct image *self)
{
    int status = mdb_txn_begin(self->env.mdb, NULL, MDB_RDONLY, &self->txn);
    for (size_t i = 0; i < ENV_TABLES && status == MDB_SUCCESS; i++)
        status = mdb_dbi_open(self->txn, ENV_NAMES[i], 0, &self->env.tables[i]);
    return status;
}

static enum err check_format(const struct image *self, const char *place, char why[IMAGE_WHY_MAX])
{
    uint64_t format;
    if (inspect_number(&self->env, self->txn, "format", &format) != ERR_OK || format == 0)
        return fail(why, ERR_CORRUPT, "%s: it is no store of acmezone, or a damaged one", place);
    if (format != ENV_FORMAT)
        return fail(why, format > ENV_FORMAT ? ERR_NEWER : ERR_CORRUPT, "%s: its format is %llu, this program knows %d",
                    place, (unsigned long long)format, ENV_FORMAT);
    return ERR_OK;
}

static void close_image(struct image *self)
{
    mdb_txn_abort(self->txn);
    mdb_env_close(self->env.mdb);
}

// LMDB's own sentence would stand on standard error.
static void on_assertion(MDB_env *, const char *)
{
    _exit(1);
}

// `self` is to be closed after ERR_OK.
static enum err open_image(struct image *self, const char *place, char why[IMAGE_WHY_MAX])
{
    struct stat st;
    *self = (struct image){0};
    if (stat(place, &st) != 0)
        return fail_system(why, place);
    unsigned flags = MDB_RDONLY | MDB_NOTLS | (S_ISDIR(st.st_mode) ? 0 : MDB_NOSUBDIR | MDB_NOLOCK);
    int status = mdb_env_create(&self->env.mdb);
    if (status != MDB_SUCCESS)
        return fail_status(why, place, status);
    mdb_env_set_assert(self->env.mdb, on_assertion);
    status = mdb_env_set_maxdbs(self->env.mdb, ENV_TABLES);
    if (status == MDB_SUCCESS)
        status = mdb_env_open(self->env.mdb, place, flags, 0600);
    if (status == MDB_SUCCESS)
        status = open_tables(self);
    enum err err = status == MDB_SUCCESS ? check_format(self, place, why) : fail_status(why, place, status);
    if (err != ERR_OK)
        close_image(self);
    return err;
}

// --- Verifying, in a child ---

// What the child sends: problems as lines of text, and one of these in the end.
struct verdict {
    enum err err;
    struct image_report report;
    char why[IMAGE_WHY_MAX];
};

static void send_line(void *context, const char *text)
{
    fprintf(context, "%s\n", text);
}

// Whatever it falls over, it ends without a word and without a core file.
static void fall_quietly(void)
{
    static const int falls[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof falls / sizeof falls[0]; i++)
        signal(falls[i], SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
}

static _Noreturn void run_child(const char *place, int fd)
{
    FILE *pipe = fdopen(fd, "w");
    struct verdict verdict = {0};
    struct image image;
    if (pipe == NULL)
        _exit(1);
    fall_quietly();
    verdict.err = open_image(&image, place, verdict.why);
    if (verdict.err == ERR_OK) {
        const struct image_sink sink = {send_line, pipe};
        verdict.err = inspect_records(&image.env, image.txn, &sink, &verdict.report);
        if (verdict.err != ERR_OK)
            (void)!fail(verdict.why, verdict.err, "%s: %s", place, err_text(verdict.err));
        close_image(&image);
    }
    fputc('\n', pipe);
    bool is_sent = fwrite(&verdict, sizeof verdict, 1, pipe) == 1 && fflush(pipe) == 0;
    _exit(is_sent ? 0 : 1);
}

// An empty line stands before the verdict.
static bool receive(FILE *pipe, struct image_sink sink, struct verdict *verdict)
{
    char text[TELL_MAX];
    for (unsigned n = 0; fgets(text, sizeof text, pipe) != NULL; n++) {
        if (text[0] == '\n')
            return fread(verdict, sizeof *verdict, 1, pipe) == 1;
        text[strcspn(text, "\n")] = 0;
        if (n < TELL_MAX)
            sink.on_problem(sink.context, text);
    }
    return false;
}

enum err image_verify(const char *place, struct image_sink sink, struct image_report *report, char why[IMAGE_WHY_MAX])
{
    int ends[2], status;
    struct verdict verdict = {0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_system(why, place);
    fflush(NULL); // or the child would write it again
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_child(place, ends[1]);
    }
    close(ends[1]);
    FILE *pipe = fdopen(ends[0], "r");
    bool is_received = child > 0 && pipe != NULL && receive(pipe, sink, &verdict);
    if (pipe != NULL)
        fclose(pipe);
    if (child < 0)
        return fail_system(why, place);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!is_received)
        return fail(why, ERR_CORRUPT, "%s: it is damaged: whoever reads it falls over it", place);
    memcpy(why, verdict.why, IMAGE_WHY_MAX);
    if (verdict.err == ERR_OK)
        *report = verdict.report;
    return verdict.err;
}

// --- Files ---

static void ignore(void *, const char *) {}

static enum err begin_file(struct newfile *made, const char *path, char why[IMAGE_WHY_MAX])
{
    enum err err = newfile_begin(made, path);
    return err == ERR_SYSTEM ? fail_system(why, path) : err == ERR_OK ? ERR_OK : fail(why, err, "%s: too long", path);
}

// Verifies what was written, and gives it its name; after an error of the writing, `err`, nothing is left of it.
static enum err end_file(struct newfile *made, enum err err, struct image_report *report, char why[IMAGE_WHY_MAX])
{
    struct image_report found = {0};
    if (err == ERR_OK)
        err = image_verify(made->draft, (struct image_sink){.on_problem = ignore}, &found, why);
    if (err == ERR_OK && found.n_problems > 0)
        err = fail(why, ERR_CORRUPT, "%llu of its records are unsound; \"acmezone verify\" tells which",
                   (unsigned long long)found.n_problems);
    if (newfile_end(made, err == ERR_OK) != ERR_OK)
        err = fail_system(why, made->path);
    if (err == ERR_OK)
        *report = found;
    return err;
}

// --- Backup ---

// A store may have pages that nothing leads to, left by a process that was killed; LMDB then refuses to compact.
static int copy_to(MDB_env *mdb, int fd)
{
    int status = mdb_env_copyfd2(mdb, fd, MDB_CP_COMPACT);
    if (status != MDB_INCOMPATIBLE)
        return status;
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        return errno;
    return mdb_env_copyfd2(mdb, fd, 0);
}

enum err image_copy(const char *place, const char *file, struct image_report *report, char why[IMAGE_WHY_MAX])
{
    struct image image;
    struct newfile made;
    struct image_report found = {0};
    enum err err = image_verify(place, (struct image_sink){.on_problem = ignore}, &found, why); // or we fall over it
    if (err == ERR_OK)
        err = open_image(&image, place, why);
    if (err != ERR_OK)
        return err;
    err = begin_file(&made, file, why);
    if (err != ERR_OK) {
        close_image(&image);
        return err;
    }
    mdb_txn_reset(image.txn); // the copy takes a snapshot of its own
    int status = copy_to(image.env.mdb, made.fd);
    if (status != MDB_SUCCESS)
        err = fail(why, env_err(status), "%s: %s", file, mdb_strerror(status));
    close_image(&image);
    return end_file(&made, err, report, why);
}

// --- Restore ---

static const char *join(const char *directory, const char *name, char path[static PATH_MAX_BYTES])
{
    snprintf(path, PATH_MAX_BYTES, "%s/%s", directory, name);
    return path;
}

// The first byte of the lock file, as LMDB locks it. ERR_BUSY.
static enum err lock(const char *directory, int *fd, char why[IMAGE_WHY_MAX])
{
    char path[PATH_MAX_BYTES];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    int made = open(join(directory, "lock.mdb", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0)
        return fail_system(why, path);
    if (fcntl(made, F_SETLK, &whole) == 0) {
        *fd = made;
        return ERR_OK;
    }
    enum err err = errno == EACCES || errno == EAGAIN
                       ? fail(why, ERR_BUSY, "%s is in use: stop the server first", directory)
                       : fail_system(why, path);
    close(made);
    return err;
}

// A directory without data, or with a store that has no accounts, may be replaced.
static enum err check_replaceable(const char *data, bool is_forced, char why[IMAGE_WHY_MAX])
{
    struct image_report found = {0};
    struct stat st;
    if (is_forced || stat(data, &st) != 0 || st.st_size == 0)
        return ERR_OK;
    if (image_verify(data, (struct image_sink){.on_problem = ignore}, &found, why) == ERR_OK && found.n_accounts == 0 &&
        found.n_problems == 0)
        return ERR_OK;
    return fail(why, ERR_EXISTS, "%s holds accounts, or cannot be read; --force replaces it", data);
}

static enum err copy_bytes(int from, int to, const char *file, char why[IMAGE_WHY_MAX])
{
    char *scratch = malloc(SCRATCH_BYTES);
    enum err err = scratch == NULL ? fail(why, ERR_MEMORY, "%s", err_text(ERR_MEMORY)) : ERR_OK;
    for (ssize_t n = 1; err == ERR_OK && n != 0;) {
        n = read(from, scratch, SCRATCH_BYTES);
        for (ssize_t done = 0, wrote; err == ERR_OK && done < n; done += wrote) {
            wrote = write(to, scratch + done, (size_t)(n - done));
            if (wrote < 0)
                err = fail_system(why, file);
        }
        if (n < 0)
            err = fail_system(why, file);
    }
    free(scratch);
    return err;
}

// Files that root makes in the server's directory are the server's.
static enum err give_to_owner(const char *directory, int fd, char why[IMAGE_WHY_MAX])
{
    struct stat st;
    if (geteuid() != 0)
        return ERR_OK;
    if (stat(directory, &st) != 0 || fchown(fd, st.st_uid, st.st_gid) != 0)
        return fail_system(why, directory);
    return ERR_OK;
}

static enum err replace(const char *file, const char *data, struct image_report *report, char why[IMAGE_WHY_MAX])
{
    struct newfile made;
    char directory[PATH_MAX_BYTES];
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(data, '/') - data), data);
    int from = open(file, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return fail_system(why, file);
    enum err err = begin_file(&made, data, why);
    if (err == ERR_OK) {
        err = copy_bytes(from, made.fd, file, why);
        if (err == ERR_OK)
            err = give_to_owner(directory, made.fd, why);
        err = end_file(&made, err, report, why);
    }
    close(from);
    return err;
}

enum err image_restore(const char *file, const char *directory, bool is_forced, struct image_report *report,
                       char why[IMAGE_WHY_MAX])
{
    char data[PATH_MAX_BYTES];
    struct image_report found = {0};
    int lock_fd = -1;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return fail_system(why, directory);
    enum err err = image_verify(file, (struct image_sink){.on_problem = ignore}, &found, why);
    if (err == ERR_OK && found.is_copy)
        err = fail(why, ERR_CORRUPT, "%s is a replica's copy of what etcd holds, not a backup", file);
    if (err != ERR_OK)
        return err;
    err = lock(directory, &lock_fd, why);
    if (err != ERR_OK)
        return err;
    err = check_replaceable(join(directory, "data.mdb", data), is_forced, why);
    if (err == ERR_OK)
        err = give_to_owner(directory, lock_fd, why);
    if (err == ERR_OK)
        err = replace(file, data, report, why);
    close(lock_fd);
    return err;
}

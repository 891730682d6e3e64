// SPDX-License-Identifier: MIT
// Everything that a version of Landlock can forbid is forbidden, then a few directories are let through: the store and
// the log's to write, those of the config file, the certificate and the key to read. They are directories, not files,
// because files are replaced: by logrotate, by whoever renews a certificate. Both the directory as written and the one
// where links lead are let through: certbot's live/ holds links into archive/.
//
// The C library reads one file of /sys for the number of processors when a thread first allocates. libuv opens
// /dev/null once for each loop, a descriptor to give up when there are no others; were that forbidden, it would try
// again at each TCP connection.
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Names that the headers of an older kernel lack.
#define ACCESS_TRUNCATE  (1ULL << 14) // since version 3
#define ACCESS_IOCTL_DEV (1ULL << 15) // since version 5

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                                                   \
    (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |      \
     ACCESS_TRUNCATE)

#define ACCESS_RUN     (ACCESS_READ | LANDLOCK_ACCESS_FS_EXECUTE)
#define ACCESS_DEVICES (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_IOCTL_DEV)
#define ACCESS_KEEP    (ACCESS_WRITE | LANDLOCK_ACCESS_FS_MAKE_DIR)

struct ruleset {
    int fd;
    uint64_t handled;
};

static uint64_t handled_by(int version)
{
    uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; // version 1
    if (version >= 2)
        all |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        all |= ACCESS_TRUNCATE;
    if (version >= 5)
        all |= ACCESS_IOCTL_DEV;
    return all;
}

// What is not there cannot be opened either.
static bool let(const struct ruleset *ruleset, const char *path, uint64_t access)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return true;
    const struct landlock_path_beneath_attr rule = {.allowed_access = access & ruleset->handled, .parent_fd = fd};
    bool is_good = syscall(SYS_landlock_add_rule, ruleset->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return is_good;
}

// The directory that a file is in, as written and where links lead; none for an empty name or a null pointer.
static bool let_beside(const struct ruleset *ruleset, const char *file, uint64_t access)
{
    if (file == NULL || file[0] == '\0')
        return true;
    char *written = strdup(file), *real = realpath(file, NULL);
    bool is_good = written != NULL && let(ruleset, dirname(written), access);
    if (real != NULL)
        is_good = is_good && let(ruleset, dirname(real), access);
    free(written);
    free(real);
    return is_good;
}

// Looking up host names and judging certificates reads here and there below /etc, and files that are replaced.
static bool let_cluster(const struct ruleset *ruleset, const struct conf *conf)
{
    static const char *const system[] = {"/etc", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
                                         "/run/systemd/resolve"};
    bool is_good = let_beside(ruleset, conf->database_tls_ca, ACCESS_READ) &&
                   let_beside(ruleset, conf->database_tls_cert, ACCESS_READ) &&
                   let_beside(ruleset, conf->database_tls_key, ACCESS_READ);
    for (size_t i = 0; i < sizeof system / sizeof system[0] && is_good; i++)
        is_good = let(ruleset, system[i], ACCESS_READ);
    return is_good;
}

static bool let_all(const struct ruleset *ruleset, const struct conf *conf)
{
    if (conf->etcd_endpoints.n > 0 && !let_cluster(ruleset, conf))
        return false;
    return let(ruleset, conf->etcd_endpoints.n > 0 ? conf->database_path : conf->database_connection, ACCESS_WRITE) &&
           let_beside(ruleset, conf->log.file, ACCESS_WRITE) && let_beside(ruleset, conf->audit_file, ACCESS_WRITE) &&
           let_beside(ruleset, conf->querylog_file, ACCESS_WRITE) && let_beside(ruleset, conf->file, ACCESS_READ) &&
           let_beside(ruleset, conf->api_tls_cert_fullchain, ACCESS_READ) &&
           let_beside(ruleset, conf->api_tls_cert_privkey, ACCESS_READ) &&
           (!conf->acme.is_on || let(ruleset, conf->api_acme_cache_dir, ACCESS_READ)) &&
           let(ruleset, "/sys/devices/system/cpu", ACCESS_READ) &&
           let(ruleset, "/dev/null", LANDLOCK_ACCESS_FS_READ_FILE);
}

// Programs and their libraries, what looking up names and judging certificates reads, and the cache directory.
static bool let_agent(const struct ruleset *ruleset, const struct conf *conf)
{
    static const char *const system[] = {"/usr", "/lib", "/lib64", "/etc", "/run/systemd/resolve"};
    bool is_good = let(ruleset, conf->api_acme_cache_dir, ACCESS_KEEP) && let(ruleset, "/dev", ACCESS_DEVICES) &&
                   let(ruleset, "/proc", ACCESS_READ) && let_beside(ruleset, conf->api_acme_ca_file, ACCESS_READ) &&
                   let_beside(ruleset, conf->api_acme_program, ACCESS_RUN) &&
                   let_beside(ruleset, "/proc/self/exe", ACCESS_RUN);
    for (size_t i = 0; i < sizeof system / sizeof system[0] && is_good; i++)
        is_good = let(ruleset, system[i], ACCESS_RUN);
    return is_good;
}

static enum err enter(const struct conf *conf, int *version,
                      bool (*let_through)(const struct ruleset *, const struct conf *))
{
    long found = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (found <= 0) {
        *version = 0;
        return ERR_OK;
    }
    struct ruleset ruleset = {.handled = handled_by((int)found)};
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = ruleset.handled};
    ruleset.fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset.fd < 0)
        return ERR_SYSTEM;
    bool is_good = let_through(&ruleset, conf) && syscall(SYS_landlock_restrict_self, ruleset.fd, 0) == 0;
    int saved = errno;
    close(ruleset.fd);
    errno = saved;
    if (!is_good)
        return ERR_SYSTEM;
    *version = (int)found;
    return ERR_OK;
}

enum err landlock_enter(const struct conf *conf, int *version)
{
    return enter(conf, version, let_all);
}

enum err landlock_enter_agent(const struct conf *conf, int *version)
{
    return enter(conf, version, let_agent);
}

// SPDX-License-Identifier: MIT
// What is kept is replaced whole (newfile.h): after a power cut there is the old file or the new one.
#include "shelf.h"

#include "bundle.h"
#include "newfile.h"
#include "siphash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

[[gnu::format(printf, 2, 3)]] static const char *path_of(char path[SHELF_PATH_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(path, SHELF_PATH_MAX, format, args);
    va_end(args);
    if (n < 0 || n >= SHELF_PATH_MAX)
        path[0] = 0; // which cannot be opened
    return path;
}

enum err shelf_open(struct shelf *shelf, const struct conf *conf)
{
    static const struct siphash_key fixed = {0}; // a name is wanted, not a secret
    char path[SHELF_PATH_MAX];
    uint64_t hash = siphash(&fixed, bytes_of_text(conf->acme.directory));
    shelf->conf = conf;
    if (*path_of(shelf->folder, "%s/account-%016llx", conf->api_acme_cache_dir, (unsigned long long)hash) == 0)
        return ERR_SPACE;
    const char *const folders[] = {shelf->folder, path_of(path, "%s/private", shelf->folder)};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (mkdir(folders[i], 0700) != 0 && errno != EEXIST)
            return ERR_SYSTEM;
    return ERR_OK;
}

static const char *account_path(const struct shelf *shelf, char path[SHELF_PATH_MAX])
{
    return path_of(path, "%s/private/key.pem", shelf->folder);
}

bool shelf_has_account(const struct shelf *shelf)
{
    char path[SHELF_PATH_MAX];
    return access(account_path(shelf, path), R_OK) == 0;
}

// Appends all of a file.
static enum err read_file(const char *path, struct writer *w)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    do {
        uint8_t some[4096];
        n = read(fd, some, sizeof some);
        if (n > 0)
            put_bytes(w, some, (size_t)n);
    } while (n > 0 && !w->is_bad);
    close(fd);
    return n < 0 ? ERR_SYSTEM : w->is_bad ? ERR_SPACE : ERR_OK;
}

enum err shelf_read_account(const struct shelf *shelf, struct writer *w)
{
    char path[SHELF_PATH_MAX];
    return read_file(account_path(shelf, path), w);
}

enum err shelf_write_account(const struct shelf *shelf, struct bytes key)
{
    char path[SHELF_PATH_MAX];
    return newfile_write(account_path(shelf, path), key, 0600);
}

// Removes the files in a folder.
static void empty(const char *folder)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(directory), entry->d_name, 0); // an order that cannot replace it says so
    closedir(directory);
}

void shelf_clear(const struct shelf *shelf)
{
    char path[SHELF_PATH_MAX];
    const char *name = shelf->conf->acme.names.at[0];
    empty(path_of(path, "%s/%s", shelf->folder, name));
    empty(path_of(path, "%s/private/%s", shelf->folder, name));
}

enum err shelf_put(const struct shelf *shelf, struct writer *bundle)
{
    char path[SHELF_PATH_MAX];
    uint8_t key_space[BUNDLE_MAX_BYTES / 4], chain_space[BUNDLE_MAX_BYTES];
    struct writer key = writer_of(key_space, sizeof key_space), chain = writer_of(chain_space, sizeof chain_space);
    const char *name = shelf->conf->acme.names.at[0];
    enum err err = read_file(path_of(path, "%s/private/%s/key.pem", shelf->folder, name), &key);
    if (err == ERR_OK)
        err = read_file(path_of(path, "%s/%s/cert.pem", shelf->folder, name), &chain);
    if (err != ERR_OK)
        return err;
    bundle_write(bundle, &shelf->conf->acme, (struct bytes){key.start, writer_used(&key)},
                 (struct bytes){chain.start, writer_used(&chain)});
    if (bundle->is_bad)
        return ERR_SPACE;
    return shelf_write_bundle(shelf, (struct bytes){bundle->start, writer_used(bundle)});
}

enum err shelf_write_bundle(const struct shelf *shelf, struct bytes bundle)
{
    char path[SHELF_PATH_MAX];
    return newfile_write(path_of(path, "%s/%s", shelf->conf->api_acme_cache_dir, BUNDLE_FILE), bundle, 0600);
}

// SPDX-License-Identifier: MIT
// The lock is a file beside ours (flock on PATH.lock), since ours is replaced by a rename. Whoever has the lock reads
// the file anew before changing it, so that two runs that overlap register a domain once.
//
// A new file gets mode 0600, and the owner of the file it replaces.
#include "keyring.h"

#include "ask.h"
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WHY_MAX = 512, KEY_MAX = 1024, LOCK_TRY_MS = 50, FILE_MODE = 0600 };

struct keyring {
    char *path;
    char *lock_path;
    json_t *accounts;
    int lock_fd;
};

static enum err refuse(char why[static WHY_MAX], const char *path, const char *what)
{
    snprintf(why, WHY_MAX, "%s: %s", path, what);
    return ERR_SYSTEM;
}

static char *lock_path_of(const char *path)
{
    char *text = NULL;
    return asprintf(&text, "%s.lock", path) < 0 ? NULL : text;
}

static enum err read_file(struct keyring *self, char why[static WHY_MAX])
{
    json_error_t error = {.line = 0};
    FILE *file = fopen(self->path, "re");
    if (file == NULL && errno != ENOENT)
        return refuse(why, self->path, strerror(errno));
    json_t *accounts = file == NULL ? json_object() : json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    bool is_empty = accounts == NULL && file != NULL && fseek(file, 0, SEEK_END) == 0 && ftell(file) == 0;
    if (file != NULL)
        fclose(file);
    if (is_empty) // as touch or mktemp leave it
        accounts = json_object();
    if (accounts == NULL) {
        snprintf(why, WHY_MAX, "%s, line %d: %s", self->path, error.line, error.text);
        return ERR_SYNTAX;
    }
    if (!json_is_object(accounts)) {
        json_decref(accounts);
        snprintf(why, WHY_MAX, "%s: not a JSON object from domains to accounts", self->path);
        return ERR_SYNTAX;
    }
    json_decref(self->accounts);
    self->accounts = accounts;
    return ERR_OK;
}

// The file itself where the path is a link to it; the path as it is where there is no file yet.
static char *path_of_file(const char *path)
{
    char *real = realpath(path, NULL);
    return real != NULL ? real : strdup(path);
}

enum err keyring_open(struct keyring **keyring, const char *path, char why[static WHY_MAX])
{
    struct keyring *self = calloc(1, sizeof *self);
    if (self == NULL) {
        snprintf(why, WHY_MAX, "%s", err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    self->lock_fd = -1;
    self->path = path_of_file(path);
    self->lock_path = self->path == NULL ? NULL : lock_path_of(self->path);
    snprintf(why, WHY_MAX, "%s", err_text(ERR_MEMORY));
    enum err err = self->lock_path == NULL ? ERR_MEMORY : ERR_OK;
    if (err == ERR_OK)
        err = read_file(self, why);
    if (err != ERR_OK) {
        keyring_close(self);
        return err;
    }
    *keyring = self;
    return ERR_OK;
}

void keyring_close(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    keyring_unlock(keyring);
    json_decref(keyring->accounts);
    free(keyring->path);
    free(keyring->lock_path);
    free(keyring);
}

static bool is_of_server(const json_t *account, const char *server)
{
    const char *url = json_string_value(json_object_get(account, "server_url"));
    if (url == NULL || url[0] == '\0') // the certbot hook keeps none
        return true;
    size_t n = strlen(url);
    n -= url[n - 1] == '/';
    return n == strlen(server) && strncmp(url, server, n) == 0;
}

static bool read_account(const json_t *stored, struct keyring_account *account)
{
    *account = (struct keyring_account){json_string_value(json_object_get(stored, "username")),
                                        json_string_value(json_object_get(stored, "password")),
                                        json_string_value(json_object_get(stored, "subdomain")),
                                        json_string_value(json_object_get(stored, "fulldomain"))};
    return account->username != NULL && account->password != NULL && account->subdomain != NULL &&
           account->fulldomain != NULL;
}

static void key_beside(const struct keyring_key *key, char text[static KEY_MAX])
{
    snprintf(text, KEY_MAX, "%s %s", key->domain, key->server);
}

bool keyring_find(const struct keyring *keyring, const struct keyring_key *key, struct keyring_account *account)
{
    char beside[KEY_MAX];
    key_beside(key, beside);
    const json_t *own = json_object_get(keyring->accounts, key->domain);
    const char *url = json_string_value(json_object_get(own, "server_url"));
    bool is_own = own != NULL && is_of_server(own, key->server) && (key->is_first || url != NULL);
    return (is_own && read_account(own, account)) || read_account(json_object_get(keyring->accounts, beside), account);
}

const char *keyring_domain_of(const struct keyring *keyring, const char *fulldomain, size_t *n)
{
    const char *key;
    json_t *stored;
    struct keyring_account account;
    json_object_foreach(keyring->accounts, key, stored)
    {
        if (!read_account(stored, &account) || strcasecmp(account.fulldomain, fulldomain) != 0)
            continue;
        *n = strcspn(key, " ");
        return key;
    }
    return NULL;
}

enum err keyring_lock(struct keyring *keyring, int64_t until_ms, char why[static WHY_MAX])
{
    keyring->lock_fd = open(keyring->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (keyring->lock_fd < 0)
        return refuse(why, keyring->lock_path, strerror(errno));
    while (flock(keyring->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return refuse(why, keyring->lock_path, strerror(errno));
        if (ask_now_ms() >= until_ms) {
            snprintf(why, WHY_MAX, "%s: another run holds it", keyring->lock_path);
            return ERR_BUSY;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_TRY_MS * 1000000L}, NULL);
    }
    return read_file(keyring, why);
}

void keyring_unlock(struct keyring *keyring)
{
    if (keyring->lock_fd >= 0)
        close(keyring->lock_fd);
    keyring->lock_fd = -1;
}

static bool write_into(const struct keyring *self, int fd)
{
    struct stat old;
    bool is_ours = stat(self->path, &old) != 0 || fchown(fd, old.st_uid, old.st_gid) == 0 || errno == EPERM;
    return is_ours && json_dumpfd(self->accounts, fd, JSON_INDENT(4)) == 0 && write(fd, "\n", 1) == 1;
}

static enum err write_file(const struct keyring *self, char why[static WHY_MAX])
{
    struct newfile file;
    if (newfile_begin(&file, self->path) != ERR_OK)
        return refuse(why, self->path, strerror(errno));
    bool is_written = write_into(self, file.fd);
    int saved = errno;
    if (newfile_end(&file, is_written) == ERR_OK && is_written)
        return ERR_OK;
    return refuse(why, self->path, strerror(is_written ? errno : saved));
}

enum err keyring_put(struct keyring *keyring, const struct keyring_key *key, json_t *answer, char why[static WHY_MAX])
{
    struct keyring_account account;
    if (!read_account(answer, &account)) {
        snprintf(why, WHY_MAX, "%s answers a registration with something that is no account", key->server);
        return ERR_SYNTAX;
    }
    char beside[KEY_MAX];
    key_beside(key, beside);
    bool is_beside = !key->is_first || json_object_get(keyring->accounts, key->domain) != NULL;
    snprintf(why, WHY_MAX, "%s", err_text(ERR_MEMORY));
    if (json_object_set_new(answer, "server_url", json_string(key->server)) != 0 ||
        json_object_set(keyring->accounts, is_beside ? beside : key->domain, answer) != 0)
        return ERR_MEMORY;
    return write_file(keyring, why);
}

bool keyring_is_open_to_others(const struct keyring *keyring)
{
    struct stat found;
    return stat(keyring->path, &found) == 0 && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

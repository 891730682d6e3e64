// SPDX-License-Identifier: MIT
// The committer's thread calls on_done; the main thread waits for it at a semaphore.
#include "guest.h"

#include "cmd_config.h"
#include "identity.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1 };

// In a container there may be no place to write but the replica's own; the copy is no more than a moment there.
static const char *temporary_directory(const struct conf *conf)
{
    const char *directory = getenv("TMPDIR");
    if (directory != NULL && directory[0] != '\0')
        return directory;
    return access("/tmp", W_OK) == 0 ? "/tmp" : conf->database_path;
}

static void give_to_owner(const char *directory)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char path[4200];
    struct stat st;
    if (geteuid() != 0 || stat(directory, &st) != 0)
        return;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        (void)!chown(path, st.st_uid, st.st_gid);
    }
}

static enum err open_all(struct guest *guest)
{
    enum err err = log_open(&guest->log, &(struct log_options){.level = LOG_ERROR});
    if (err == ERR_OK)
        err = identity_begin(guest->conf, guest->log);
    if (err == ERR_OK)
        err = identity_end(guest->conf, guest->log);
    if (err != ERR_OK)
        return err;
    database_read(&guest->database, guest->conf, guest->log);
    guest->database.options.is_guest = true;
    if (guest->database.options.cluster != NULL)
        guest->database.options.directory = temporary_directory(guest->conf);
    err = store_open(&guest->store, &guest->database.options);
    if (err == ERR_OK && guest->database.options.cluster == NULL)
        give_to_owner(guest->database.options.directory);
    return err == ERR_OK ? store_reader_open(&guest->reader, guest->store) : err;
}

// Who looks for accounts in the wrong place is to be told so, and not to make an empty store there.
static bool is_there(const struct conf *conf)
{
    const char *directory = database_directory(conf);
    struct stat st;
    if (conf->etcd_endpoints.n > 0 || stat(directory, &st) == 0)
        return true;
    fprintf(stderr, "acmezone: error: %s: there is no store%s\n", directory,
            directory[0] == '/' ? "" : " here; the path is relative to the server's working directory");
    return false;
}

int guest_open(struct guest *guest, const char *file)
{
    struct conf *conf;
    int status = cmd_config_load(&conf, file);
    if (status != 0)
        return status;
    if (is_there(conf))
        return guest_open_conf(guest, conf);
    config_free(conf);
    return EXIT_REFUSED;
}

int guest_open_conf(struct guest *guest, struct conf *conf)
{
    *guest = (struct guest){.conf = conf};
    signal(SIGPIPE, SIG_IGN); // etcd's connections
    enum err err = open_all(guest);
    if (err == ERR_OK)
        return 0;
    fprintf(stderr, "acmezone: error: the store cannot be opened: %s\n", err_text(err));
    guest_close(guest);
    return EXIT_REFUSED;
}

void guest_close(struct guest *guest)
{
    if (guest->reader != NULL)
        store_reader_close(guest->reader);
    if (guest->store != NULL)
        store_close(guest->store);
    if (guest->log != NULL)
        log_close(guest->log);
    config_free(guest->conf);
}

struct waiting {
    struct change change; // first: on_done gets its address
    sem_t done;
};

static void on_done(struct change *change)
{
    sem_post(&((struct waiting *)change)->done);
}

enum err guest_change(struct guest *guest, struct change *change)
{
    struct waiting waiting = {.change = *change};
    waiting.change.on_done = on_done;
    waiting.change.now_s = (uint64_t)time(NULL);
    sem_init(&waiting.done, 0, 0);
    store_submit(guest->store, &waiting.change);
    while (sem_wait(&waiting.done) != 0)
        ;
    sem_destroy(&waiting.done);
    return change->result = waiting.change.result;
}

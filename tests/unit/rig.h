// SPDX-License-Identifier: MIT
// rig: the API with a real store and real sockets in one process, and a client that says exactly the bytes it is told.
//
// The loop runs on a thread of its own; all functions here are for the test's thread. Whatever goes wrong in the rig
// itself fails the test.
#pragma once

#include "api.h"
#include "tempdir.h"

#include <pthread.h>

struct rig {
    struct tempdir dir;
    struct conf *conf;
    struct log *log;
    struct store *store;
    struct api *api;
    int port;
    bool has_bad_socket;   // set before rig_start: the API is given a socket that is none
    _Atomic bool is_ready; // what /ready is told of the check "oven"

    uv_loop_t loop;
    uv_async_t command;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    enum rig_command { RIG_NOTHING, RIG_RELOAD, RIG_STOP } wanted;
    unsigned deadline_ms;
    enum err result;
};

#define RIG_TXT       "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
#define RIG_TXT2      "AHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
#define RIG_NOBODY    "c36f50e8-4632-44f0-83fe-e070fef28a10" // a user who does not exist
#define RIG_FORBIDDEN "{\"error\": \"forbidden\"}"

struct reply {
    unsigned status;
    char head[2048]; // status line and headers
    char body[4096];
};

// Starts with the lines of `api` in section [api], besides what makes it quick. The directory of the rig is empty but
// for what has been put there between rig_begin and rig_start.
void rig_begin(struct rig *rig);
enum err rig_start(struct rig *rig, const char *api);
void rig_open(struct rig *rig, const char *api); // both, and the start must succeed

// Stops, and removes everything.
void rig_close(struct rig *rig);
void rig_stop(struct rig *rig, unsigned deadline_ms); // waits until the API has stopped; rig_close may follow
void rig_begin_stop(struct rig *rig, unsigned deadline_ms);
void rig_end_stop(struct rig *rig);

enum err rig_reload(struct rig *rig);

uint64_t rig_count(const struct rig *rig, enum counter which);
void rig_wait_count(const struct rig *rig, enum counter which, uint64_t at_least);

// Whether a line of the log holds all of the texts; the list ends with a null pointer.
bool rig_has_logged(const struct rig *rig, const char *const *texts);
#define RIG_HAS_LOGGED(rig, ...) rig_has_logged(rig, (const char *const[]){__VA_ARGS__, NULL})

// A connection; closed with close().
int rig_connect(const struct rig *rig);
bool rig_is_refused(const struct rig *rig); // a connection is
void rig_say(int fd, const char *text);
void rig_hear(int fd, struct reply *reply); // exactly one answer; it must have a Content-Length or no body
bool rig_is_closed(int fd);                 // waits for the other side to close, without a byte before

// One request on a new connection.
void rig_ask(const struct rig *rig, const char *request, struct reply *reply);
void rig_post(const struct rig *rig, const char *path, const char *headers, const char *body, struct reply *reply);

// A registered account.
struct rig_account {
    char username[40];
    char password[44];
    char subdomain[40];
};

void rig_register(const struct rig *rig, const char *body, struct rig_account *account);
void rig_update(const struct rig *rig, const struct rig_account *account, const char *body, struct reply *reply);

// {"subdomain":…,"txt":…}; good until the next call.
const char *rig_update_body(const struct rig_account *account, const char *txt);

// Whether a part is in a text, however its letters are cased.
void rig_expect(const char *text, const char *part);
void rig_expect_not(const char *text, const char *part);

// SPDX-License-Identifier: MIT
// A request of a hook goes through up to three changes of the store: the account is looked up, and registered when it
// is not there (another replica may be faster, so it is looked up again), then the value is published.
//
// The store ends a change on a thread of its own, and may do so after this loop has ended, when the server stops. So
// the change belongs to something that outlives the store, and the thread only sets a flag, which the loop looks at
// every few milliseconds while a change is under way.
#include "challenge.h"

#include "callback.h"
#include "name.h"
#include "secret.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { LOOK_EVERY_MS = 5, TRIES_MAX = 4, VALUE_MAX = 255 };

struct challenge {
    struct challenge_options options;
    struct store_reader *reader;
    uv_poll_t poll;
    uv_timer_t look;

    // The request under way.
    bool is_busy;
    bool is_clearing; // which is not for a hook
    bool must_clear;  // when it has ended
    unsigned n_tries;
    size_t n_token;
    uint8_t token[CALLBACK_MESSAGE_BYTES];
    size_t n_rdata;
    uint8_t rdata[VALUE_MAX + 1];
    char hash[SECRET_HASH_MAX];
    struct change change;
    _Atomic bool is_done; // the change; set by the store's thread
};

static const struct bytes subdomain = {(const uint8_t *)CHALLENGE_LABEL, sizeof CHALLENGE_LABEL - 1};

static void on_done(struct change *change)
{
    struct challenge *self = (struct challenge *)(void *)((char *)change - offsetof(struct challenge, change));
    atomic_store(&self->is_done, true);
}

// Whose the values are. ERR_NOT_FOUND: nobody's yet, or to be cleared, and there are none.
static enum err find_owner(struct challenge *self, struct uuid *username)
{
    struct txt txt;
    enum err err = store_begin(self->reader);
    if (err != ERR_OK)
        return err;
    err = store_find_txt(self->reader, subdomain, &txt);
    if (err == ERR_OK)
        *username = txt.username;
    if (err == ERR_OK && self->is_clearing && txt.n_values == 0)
        err = ERR_NOT_FOUND;
    store_end(self->reader);
    return err;
}

static void answer(struct challenge *self, bool is_published)
{
    uv_timer_stop(&self->look);
    self->is_busy = false;
    if (!self->is_clearing)
        callback_answer(self->options.hook_fd, (struct bytes){self->token, self->n_token}, is_published);
}

static void refuse(struct challenge *self, enum err err)
{
    log_write(self->options.log, LOG_WARN, self->is_clearing ? "acme.not_cleared" : "acme.not_published", LOG_ERR(err));
    answer(self, false);
}

// The key is thrown away, and cannot be guessed whatever its hash costs.
static enum err make_account(struct challenge *self, struct account *account)
{
    static const struct secret_cost cost = {8, 1, 1};
    char password[SECRET_PASSWORD_CHARS + 1];
    secret_password(password);
    enum err err = secret_hash(&cost, bytes_of_text(password), self->hash);
    if (err == ERR_OK) {
        account->username = uuid_random();
        account->hash = bytes_of_text(self->hash);
    }
    return err;
}

static void on_look(uv_timer_t *timer);

// The next change, of which there are few.
static void go_on(struct challenge *self)
{
    struct change *change = &self->change;
    uint64_t now_s = (uint64_t)time(NULL);
    *change = (struct change){.kind = self->is_clearing ? CHANGE_CLEAR : CHANGE_UPDATE,
                              .account = {.subdomain = subdomain, .created_s = now_s},
                              .rdata = {self->rdata, self->n_rdata},
                              .now_s = now_s,
                              .on_done = on_done};
    enum err err = self->n_tries++ < TRIES_MAX ? find_owner(self, &change->account.username) : ERR_STORE;
    if (err == ERR_NOT_FOUND && self->is_clearing) {
        answer(self, true);
        return;
    }
    if (err == ERR_NOT_FOUND) {
        change->kind = CHANGE_REGISTER;
        err = make_account(self, &change->account);
    }
    if (err != ERR_OK) {
        refuse(self, err);
        return;
    }
    atomic_store(&self->is_done, false);
    uv_timer_start(&self->look, on_look, LOOK_EVERY_MS, LOOK_EVERY_MS);
    store_submit(self->options.store, change);
}

static void on_look(uv_timer_t *timer)
{
    struct challenge *self = timer->data;
    const struct change *change = &self->change;
    if (!atomic_load(&self->is_done))
        return;
    bool is_again = change->kind == CHANGE_REGISTER ? change->result == ERR_OK || change->result == ERR_EXISTS
                                                    : change->result == ERR_NOT_FOUND;
    if (is_again)
        go_on(self);
    else if (change->result == ERR_OK)
        answer(self, true);
    else
        refuse(self, change->result);
    if (!self->is_busy && self->must_clear)
        challenge_clear(self);
}

void challenge_clear(struct challenge *self)
{
    self->must_clear = self->is_busy;
    if (self->is_busy)
        return;
    self->is_busy = self->is_clearing = true;
    self->n_tries = 0;
    go_on(self);
}

bool challenge_is_busy(const struct challenge *self)
{
    return self->is_busy;
}

static bool is_wanted(const struct challenge *self, struct bytes ident)
{
    const struct texts *names = &self->options.conf->acme.names;
    for (size_t i = 0; i < names->n; i++)
        if (bytes_equal(ident, bytes_of_text(names->at[i])))
            return true;
    return false;
}

static void take(struct challenge *self, struct bytes message)
{
    struct callback_request request;
    if (self->is_busy || callback_parse(&request, message) != ERR_OK)
        return; // the hook waits in vain
    if (!is_wanted(self, request.ident) || request.value.n > VALUE_MAX) {
        callback_answer(self->options.hook_fd, request.token, false);
        return;
    }
    self->is_busy = true;
    self->is_clearing = self->must_clear = false;
    self->n_tries = 0;
    memcpy(self->token, request.token.at, request.token.n);
    self->n_token = request.token.n;
    self->rdata[0] = (uint8_t)request.value.n;
    memcpy(self->rdata + 1, request.value.at, request.value.n);
    self->n_rdata = request.value.n + 1;
    go_on(self);
}

static void on_packet(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct challenge *self = poll->data;
    uint8_t message[CALLBACK_MESSAGE_BYTES];
    ssize_t n = recv(self->options.hook_fd, message, sizeof message, MSG_DONTWAIT);
    if (n > 0)
        take(self, (struct bytes){message, (size_t)n});
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        uv_poll_stop(poll); // the agent is gone
}

enum err challenge_open(struct challenge **challenge, const struct challenge_options *options)
{
    struct challenge *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->options = *options;
    enum err err = store_reader_open(&self->reader, options->store);
    if (err == ERR_OK && uv_poll_init(options->loop, &self->poll, options->hook_fd) != 0) {
        store_reader_close(self->reader);
        err = ERR_SYSTEM;
    }
    if (err != ERR_OK) {
        free(self);
        return err;
    }
    uv_timer_init(options->loop, &self->look);
    self->poll.data = self->look.data = self;
    uv_poll_start(&self->poll, UV_READABLE, on_packet);
    *challenge = self;
    return ERR_OK;
}

void challenge_stop(struct challenge *self)
{
    uv_close((uv_handle_t *)&self->poll, NULL);
    uv_close((uv_handle_t *)&self->look, NULL);
    store_reader_close(self->reader);
}

void challenge_free(struct challenge *self)
{
    free(self);
}

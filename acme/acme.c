// SPDX-License-Identifier: MIT
// Once a second the clock is looked at: it is the time of day that certificates are made for, and timers know nothing
// of clocks that are set or machines that sleep. When an order is due the agent is told, and one of its packets will
// end it.
//
// Certificates of the same age are not all renewed at the same minute, and attempts after a failure not all at the same
// second: both times have a random part.
#include "acme.h"

#include "bundle.h"
#include "challenge.h"
#include "secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 1000, DOUBLINGS_MAX = 6, WHY_MAX = 512 };

struct acme {
    struct counters counters;
    struct acme_options options;
    struct challenge *challenge;
    uv_poll_t poll;
    uv_timer_t look;
    bool has_agent;
    bool is_ordering;
    unsigned n_failures; // since the last success
    time_t due_s;        // when the next order is made
    time_t begins_s;     // of the certificate in use; 0: a temporary one
    time_t expires_s;
    size_t n_bundle;
    uint8_t bundle[BUNDLE_MAX_BYTES]; // in use, if it is the one that is wanted
    size_t n_account;
    uint8_t account[BUNDLE_MAX_BYTES]; // the key, if it is known here
    uint64_t shared_version;           // of what replicas have in common
    bool is_tidy;                      // values that an earlier run may have left are gone
    char why[WHY_MAX];                 // the last order failed; empty: it did not
};

// A random number below `n`.
static time_t random_below(time_t n)
{
    uint32_t number;
    secret_random(&number, sizeof number);
    return n <= 0 ? 0 : (time_t)((uint64_t)number * (uint64_t)n >> 32);
}

// Behind two thirds of the life, spread over a fiftieth of it.
static time_t renewal_of(time_t begins_s, time_t expires_s)
{
    time_t life_s = expires_s - begins_s;
    return begins_s + life_s / 3 * 2 + life_s % 3 * 2 / 3 + random_below(life_s / 50);
}

// -- Certificates

static enum err refuse(const struct acme *self, enum err err, const char *reason)
{
    log_write(self->options.log, LOG_WARN, "acme.unusable", LOG_STR("reason", reason));
    return err;
}

// Puts a bundle into use. One that is for other names, or from another directory, is better than none. `is_wanted`: it
// is what the configuration asks for, and the next one is due when it is to be renewed.
static enum err use(struct acme *self, struct bytes text, bool *is_wanted)
{
    const struct conf *conf = self->options.conf;
    struct bundle bundle;
    struct keypair *pair;
    char why[KEYPAIR_WHY_MAX] = "out of memory";
    *is_wanted = false;
    enum err err = text.n > sizeof self->bundle ? ERR_SPACE : bundle_parse(&bundle, text);
    if (err != ERR_OK)
        return refuse(self, err, "a part of it is missing");
    const struct keypair_text parts = {conf->api_acme_cache_dir, bundle.chain, bundle.key};
    err = keypair_parse(&pair, &parts, time(NULL), why);
    if (err != ERR_OK)
        return refuse(self, err, why);
    self->begins_s = keypair_begins(pair);
    self->expires_s = keypair_expires(pair);
    keypair_free(pair);
    err = api_set_certificate(self->options.api, &parts);
    if (err == ERR_OK && bundle_is_for(&bundle, &conf->acme)) {
        *is_wanted = true;
        self->due_s = renewal_of(self->begins_s, self->expires_s);
        memcpy(self->bundle, text.at, text.n);
        self->n_bundle = text.n;
    }
    return err;
}

// The certificate of the run before.
static void use_cached(struct acme *self)
{
    char path[4200];
    static uint8_t text[BUNDLE_MAX_BYTES];
    bool is_wanted;
    snprintf(path, sizeof path, "%s/%s", self->options.conf->api_acme_cache_dir, BUNDLE_FILE);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n > 0 && use(self, (struct bytes){text, (size_t)n}, &is_wanted) == ERR_OK && !is_wanted)
        log_write(self->options.log, LOG_INFO, "acme.changed", LOG_STR("reason", "other names, or another directory"));
}

// -- Replicas

static void share(struct acme *self)
{
    uint8_t space[STORE_SHARED_MAX];
    struct writer w = writer_of(space, sizeof space);
    const struct estate estate = {{self->account, self->n_account}, {self->bundle, self->n_bundle}};
    estate_write(&w, &estate);
    if (w.is_bad || store_share(self->options.store, (struct bytes){space, writer_used(&w)}) != ERR_OK)
        log_write(self->options.log, LOG_WARN, "acme.not_shared", LOG_ERR(ERR_MEMORY));
}

static void take_account(struct acme *self, struct bytes key)
{
    if (key.n > sizeof self->account)
        return;
    if (key.n > 0)
        memcpy(self->account, key.at, key.n);
    self->n_account = key.n;
}

static bool is_for_us(const struct acme *self, struct bytes text)
{
    struct bundle bundle;
    return bundle_parse(&bundle, text) == ERR_OK && bundle_is_for(&bundle, &self->options.conf->acme);
}

// What another replica, or this one, has put there. It counts more than what lies in our cache, unless that is the one
// that is wanted, and this is not: from the time when this server was alone, or had another configuration.
static void look_at_shared(struct acme *self)
{
    uint8_t space[STORE_SHARED_MAX];
    struct writer w = writer_of(space, sizeof space);
    struct estate estate = {0};
    bool is_wanted;
    if (store_shared(self->options.store, &self->shared_version, &w) != ERR_OK || w.is_bad)
        return;
    if (estate_parse(&estate, (struct bytes){space, writer_used(&w)}) == ERR_OK)
        take_account(self, estate.account);
    if (self->n_bundle > 0 && !is_for_us(self, estate.bundle)) {
        if (store_is_first(self->options.store))
            share(self);
        return;
    }
    if (estate.bundle.n == 0 || bytes_equal(estate.bundle, (struct bytes){self->bundle, self->n_bundle}) ||
        use(self, estate.bundle, &is_wanted) != ERR_OK)
        return;
    if (is_wanted) {
        self->n_failures = 0;
        self->why[0] = 0;
    }
    log_write(self->options.log, LOG_INFO, "acme.shared", LOG_INT("wanted", is_wanted));
    agent_keep(&self->options.agent, estate.bundle);
}

// -- Orders

static void order(struct acme *self)
{
    self->is_ordering = true;
    log_write(self->options.log, LOG_INFO, "acme.ordering", LOG_STR("name", self->options.conf->acme.names.at[0]),
              LOG_INT("names", self->options.conf->acme.names.n),
              LOG_STR("directory", self->options.conf->acme.directory));
    agent_order(&self->options.agent, (struct bytes){self->account, self->n_account});
}

static void end_order(struct acme *self)
{
    if (self->is_ordering)
        challenge_clear(self->challenge);
    self->is_ordering = false;
}

static void on_failed(struct acme *self, struct bytes reason)
{
    unsigned n_doublings = self->n_failures < DOUBLINGS_MAX ? self->n_failures : DOUBLINGS_MAX;
    time_t wait_s = (time_t)self->options.conf->api_acme_retry_s << n_doublings;
    wait_s += random_below(wait_s / 4);
    end_order(self);
    self->n_failures++;
    self->due_s = time(NULL) + wait_s;
    snprintf(self->why, sizeof self->why, "%.*s", (int)reason.n, (const char *)reason.at);
    count(&self->counters, COUNT_acme_failures);
    log_write(self->options.log, LOG_ERROR, "acme.failed", LOG_STR("reason", self->why), LOG_INT("retry_s", wait_s),
              LOG_INT("failures", self->n_failures));
}

static void on_issued(struct acme *self, struct bytes text)
{
    bool is_wanted;
    if (use(self, text, &is_wanted) != ERR_OK || !is_wanted) {
        on_failed(self, bytes_of_text("what the authority has issued cannot be used"));
        return;
    }
    end_order(self);
    self->n_failures = 0;
    self->why[0] = 0;
    share(self);
    count(&self->counters, COUNT_acme_issued);
    log_write(self->options.log, LOG_INFO, "acme.issued", LOG_STR("name", self->options.conf->acme.names.at[0]),
              LOG_INT("life_s", self->expires_s - self->begins_s), LOG_INT("renewal_s", self->due_s - time(NULL)));
}

static void on_said(struct acme *self, struct bytes text)
{
    char line[WHY_MAX];
    snprintf(line, sizeof line, "%.*s", (int)text.n, (const char *)text.at);
    log_write(self->options.log, LOG_WARN, "acme.client", LOG_STR("text", line));
}

static const struct {
    const char *word;
    void (*on_message)(struct acme *self, struct bytes text);
} messages[] = {{"say", on_said}, {"account", take_account}, {"done", on_issued}, {"failed", on_failed}};

static void take(struct acme *self, struct bytes message)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        size_t n = strlen(messages[i].word);
        if (message.n > n && memcmp(message.at, messages[i].word, n) == 0 && message.at[n] == '\n')
            messages[i].on_message(self, (struct bytes){message.at + n + 1, message.n - n - 1});
    }
}

static void on_packet(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct acme *self = poll->data;
    uint8_t message[AGENT_MESSAGE_BYTES];
    ssize_t n = agent_take(&self->options.agent, message);
    if (n > 0) {
        take(self, (struct bytes){message, (size_t)n});
    } else if (n < 0) {
        uv_poll_stop(poll);
        self->has_agent = false;
        on_failed(self, bytes_of_text("the process that runs the client has ended: restart the server"));
    }
}

// Of several replicas one orders, and not before it has seen what they have in common.
static bool may_order(const struct acme *self)
{
    bool is_replica = self->options.conf->etcd_endpoints.n > 0;
    return self->has_agent && !self->is_ordering && !challenge_is_busy(self->challenge) &&
           (!is_replica || (self->shared_version > 0 && store_is_first(self->options.store)));
}

static void on_look(uv_timer_t *timer)
{
    struct acme *self = timer->data;
    look_at_shared(self);
    if (!may_order(self))
        return;
    if (!self->is_tidy)
        challenge_clear(self->challenge);
    self->is_tidy = true;
    if (!challenge_is_busy(self->challenge) && time(NULL) >= self->due_s)
        order(self);
}

// -- Coming up and going down

static enum err open_all(struct acme *self)
{
    const struct acme_options *options = &self->options;
    const struct challenge_options wanted = {.conf = options->conf,
                                             .loop = options->loop,
                                             .store = options->store,
                                             .log = options->log,
                                             .hook_fd = options->agent.hook_fd};
    enum err err = challenge_open(&self->challenge, &wanted);
    if (err != ERR_OK)
        return err;
    if (uv_poll_init(options->loop, &self->poll, options->agent.order_fd) != 0) {
        challenge_stop(self->challenge);
        return ERR_SYSTEM;
    }
    uv_timer_init(options->loop, &self->look);
    self->poll.data = self->look.data = self;
    uv_poll_start(&self->poll, UV_READABLE, on_packet);
    uv_timer_start(&self->look, on_look, 0, LOOK_EVERY_MS);
    return ERR_OK;
}

static struct acme *make(const struct acme_options *options)
{
    struct acme *self = aligned_alloc(_Alignof(struct acme), sizeof *self);
    if (self == NULL)
        return NULL;
    memset(self, 0, sizeof *self);
    self->options = *options;
    self->has_agent = true;
    return self;
}

enum err acme_open(struct acme **acme, const struct acme_options *options)
{
    struct agent agent = options->agent;
    *acme = make(options);
    enum err err = *acme == NULL ? ERR_MEMORY : open_all(*acme);
    if (err == ERR_OK) {
        use_cached(*acme);
        return ERR_OK;
    }
    log_write(options->log, LOG_ERROR, "acme.refused", LOG_ERR(err));
    agent_stop(&agent);
    return err;
}

void acme_stop(struct acme *self)
{
    uv_close((uv_handle_t *)&self->poll, NULL);
    uv_close((uv_handle_t *)&self->look, NULL);
    challenge_stop(self->challenge);
    agent_stop(&self->options.agent);
}

void acme_free(struct acme *self)
{
    if (self->challenge != NULL)
        challenge_free(self->challenge);
    free(self);
}

struct api_check acme_check(const struct acme *self)
{
    static char why[WHY_MAX + 64];
    bool is_temporary = self->begins_s == 0, is_expired = !is_temporary && self->expires_s <= time(NULL);
    struct api_check check = {.name = "certificate", .is_ready = true};
    check.state = is_temporary ? "temporary" : is_expired ? "expired" : "valid";
    if (self->why[0] != 0)
        snprintf(why, sizeof why, "the last order failed: %s", self->why);
    else
        snprintf(why, sizeof why, "the authority has not issued one yet");
    check.why = self->why[0] != 0 || is_temporary ? why : NULL;
    return check;
}

const struct counters *acme_counters(const struct acme *self)
{
    return &self->counters;
}

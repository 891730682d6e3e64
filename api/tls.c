// SPDX-License-Identifier: MIT
// Once a second the two files are looked at with stat, which follows links: certbot's live/ and Kubernetes' ..data are
// links that are switched, others rename a new file into place or write into the old one, and all of that shows as
// another inode, size or time. inotify would have to be told about each of these ways apart, and about every directory
// on the way.
//
// What is seen is compared with what was seen when the pair was last tried, so nothing between a load and the next look
// can be missed, and a bad pair is complained about once, not every second. A change must stay the same for one more
// look before it is tried: a certificate and its key are two files, and whoever replaces them does one after the other.
//
// New handshakes get the new pair; open connections keep what they have.
#include "tls.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LOOK_EVERY_MS = 1000, N_FILES = 2 };

// What tells one state of a file from another; all zeros when there is none.
struct trace {
    dev_t device;
    ino_t inode;
    off_t n_bytes;
    struct timespec changed;
};

struct traces {
    struct trace at[N_FILES];
};

struct tls {
    uv_timer_t timer;
    struct log *log;
    struct counters *counters;
    struct keypair_files files;
    struct keypair *pair;
    bool is_temporary;   // and of no worth
    struct traces tried; // when the pair was last tried
    struct traces seen;  // at the last look
    void (*on_closed)(void *context);
    void *context;
};

static struct tls *the_tls;

static bool is_same(const struct traces *a, const struct traces *b)
{
    for (int i = 0; i < N_FILES; i++) {
        const struct trace *x = &a->at[i], *y = &b->at[i];
        if (x->device != y->device || x->inode != y->inode || x->n_bytes != y->n_bytes ||
            x->changed.tv_sec != y->changed.tv_sec || x->changed.tv_nsec != y->changed.tv_nsec)
            return false;
    }
    return true;
}

static struct traces look(const struct keypair_files *files)
{
    const char *const names[N_FILES] = {files->certificate, files->key};
    struct traces traces = {0};
    for (int i = 0; i < N_FILES; i++) {
        struct stat st;
        if (stat(names[i], &st) == 0)
            traces.at[i] = (struct trace){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
    }
    return traces;
}

static void log_loaded(const struct tls *tls, const char *from)
{
    char expires[32];
    struct tm parts;
    time_t when = keypair_expires(tls->pair);
    gmtime_r(&when, &parts);
    strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", &parts);
    log_write(tls->log, LOG_INFO, "tls.loaded", LOG_STR("subject", keypair_subject(tls->pair)),
              LOG_STR("expires", expires), LOG_STR("certificate", from));
}

static void replace(struct tls *tls, struct keypair *pair, const char *from)
{
    keypair_free(tls->pair);
    tls->pair = pair;
    tls->is_temporary = false;
    count(tls->counters, COUNT_certificate_loads);
    log_loaded(tls, from);
}

// Logs a failure as `event`.
static enum err try_pair(struct tls *tls, const char *event)
{
    struct keypair *pair;
    char why[KEYPAIR_WHY_MAX] = "out of memory";
    tls->tried = tls->seen = look(&tls->files);
    enum err err = keypair_load(&pair, &tls->files, time(NULL), why);
    if (err != ERR_OK) {
        log_write(tls->log, LOG_ERROR, event, LOG_STR("reason", why));
        count(tls->counters, COUNT_certificate_errors);
        return err;
    }
    replace(tls, pair, tls->files.certificate);
    return ERR_OK;
}

static void on_timer(uv_timer_t *timer)
{
    struct tls *tls = timer->data;
    struct traces before = tls->seen;
    tls->seen = look(&tls->files);
    if (!is_same(&tls->seen, &tls->tried) && is_same(&tls->seen, &before))
        (void)tls_reload(tls); // logged; the old pair stays
}

enum err tls_open(struct tls **tls, const struct tls_options *options)
{
    assert(the_tls == NULL);
    struct tls *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->log = options->log;
    self->counters = options->counters;
    self->files = options->files;
    self->is_temporary = options->temporary_for != NULL;
    enum err err = options->temporary_for == NULL
                       ? try_pair(self, "tls.refused")
                       : keypair_make_temporary(&self->pair, options->temporary_for, time(NULL));
    if (err != ERR_OK) {
        free(self);
        return err;
    }
    uv_timer_init(options->loop, &self->timer);
    self->timer.data = self;
    if (options->temporary_for == NULL)
        uv_timer_start(&self->timer, on_timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    *tls = the_tls = self;
    return ERR_OK;
}

enum err tls_reload(struct tls *tls)
{
    if (tls->files.certificate == NULL)
        return ERR_OK;
    return try_pair(tls, "tls.reload_failed");
}

time_t tls_expires(const struct tls *tls)
{
    return tls->is_temporary ? 0 : keypair_expires(tls->pair);
}

enum err tls_set(struct tls *tls, const struct keypair_text *text)
{
    struct keypair *pair;
    char why[KEYPAIR_WHY_MAX] = "out of memory";
    enum err err = keypair_parse(&pair, text, time(NULL), why);
    if (err != ERR_OK) {
        log_write(tls->log, LOG_ERROR, "tls.reload_failed", LOG_STR("reason", why));
        count(tls->counters, COUNT_certificate_errors);
        return err;
    }
    replace(tls, pair, text->name);
    return ERR_OK;
}

static void on_close(uv_handle_t *handle)
{
    struct tls *tls = handle->data;
    void (*on_closed)(void *context) = tls->on_closed;
    void *context = tls->context;
    keypair_free(tls->pair);
    free(tls);
    the_tls = NULL;
    on_closed(context);
}

void tls_close(struct tls *tls, void (*on_closed)(void *context), void *context)
{
    tls->on_closed = on_closed;
    tls->context = context;
    uv_close((uv_handle_t *)&tls->timer, on_close);
}

int tls_on_handshake(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **chain,
                     unsigned *n_chain, gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp, gnutls_privkey_t *key,
                     unsigned *flags)
{
    (void)session, (void)info;
    struct keypair_copy copy;
    if (keypair_copy(the_tls->pair, &copy) != ERR_OK)
        return -1;
    *chain = copy.chain;
    *n_chain = copy.n_chain;
    *key = copy.key;
    *ocsp = NULL;
    *n_ocsp = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    return 0;
}

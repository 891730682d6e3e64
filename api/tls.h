// SPDX-License-Identifier: MIT
// tls: the certificate that new connections get, renewed when its files change.
//
// Used on the loop's thread only. There is at most one `struct tls` in a process, because libmicrohttpd's certificate
// callback has no argument of its own to find another by.
#pragma once

#include "counters.h"
#include "keypair.h"
#include "log.h"

#include <uv.h>

// GnuTLS priorities: TLS 1.2 and 1.3.
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls;

struct tls_options {
    uv_loop_t *loop;
    struct log *log;
    struct counters *counters;
    struct keypair_files files; // to be loaded and watched; not with
    const char *temporary_for;  // a name: starts with a temporary certificate for it, until tls_set; or a null pointer
};

// Loads the pair and watches the files. ERR_TLS, logged as tls.refused; ERR_MEMORY, ERR_SYSTEM.
enum err tls_open(struct tls **tls, const struct tls_options *options);

// Loads the pair from its files now, if it has any. A good one replaces the old (tls.loaded); ERR_TLS or ERR_MEMORY:
// the old one stays (tls.reload_failed).
enum err tls_reload(struct tls *tls);

// Uses this pair from now on (tls.loaded). ERR_TLS, ERR_MEMORY: the old one stays (tls.reload_failed).
enum err tls_set(struct tls *tls, const struct keypair_text *text);

// When the certificate in use expires, since 1970; 0: it is a temporary one.
time_t tls_expires(const struct tls *tls);

// No handshake may follow. `on_closed` is called on the loop; everything is freed by then.
void tls_close(struct tls *tls, void (*on_closed)(void *context), void *context);

// For MHD_OPTION_HTTPS_CERT_CALLBACK2.
int tls_on_handshake(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **chain,
                     unsigned *n_chain, gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp, gnutls_privkey_t *key,
                     unsigned *flags);

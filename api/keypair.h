// SPDX-License-Identifier: MIT
// keypair: one certificate chain and its private key, read and checked as a whole. Immutable once loaded.
//
// Any thread. Failures are told as a text; the caller knows what they mean and logs them.
#pragma once

#include "bytes.h"
#include "err.h"

#include <gnutls/abstract.h>
#include <time.h>

#define KEYPAIR_WHY_MAX 192

struct keypair;

struct keypair_files {
    const char *certificate; // PEM: the server's certificate first, then its chain
    const char *key;         // PEM
};

// ERR_TLS: a file cannot be read or is incomplete, the key does not belong to the certificate, or the certificate has
// expired at `now`; `why` says which. ERR_MEMORY.
enum err keypair_load(struct keypair **pair, const struct keypair_files *files, time_t now, char why[KEYPAIR_WHY_MAX]);

// The same out of memory.
struct keypair_text {
    const char *name;   // stands for both in `why`
    struct bytes chain; // PEM
    struct bytes key;   // PEM
};

enum err keypair_parse(struct keypair **pair, const struct keypair_text *text, time_t now, char why[KEYPAIR_WHY_MAX]);

// A new key and a certificate for `name` that it has signed itself, which no client has a reason to believe. ERR_TLS,
// ERR_MEMORY.
enum err keypair_make_temporary(struct keypair **pair, const char *name, time_t now);

// Takes a null pointer too.
void keypair_free(struct keypair *pair);

// Who it is for: the subject, or when that is empty the first name in it. Lives as long as the pair.
const char *keypair_subject(const struct keypair *pair);

// From when to when it is valid.
time_t keypair_begins(const struct keypair *pair);
time_t keypair_expires(const struct keypair *pair);

// What a GnuTLS session needs. It takes over both when told to with GNUTLS_CERT_RETR_DEINIT_ALL.
struct keypair_copy {
    gnutls_pcert_st *chain; // gnutls_malloc
    unsigned n_chain;
    gnutls_privkey_t key;
};

// Independent of the pair, which may be freed before the copy is. ERR_MEMORY.
enum err keypair_copy(const struct keypair *pair, struct keypair_copy *copy);

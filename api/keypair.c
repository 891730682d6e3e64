// SPDX-License-Identifier: MIT
// Files that are being replaced can be seen half written, or new beside old: a pair is only good when every PEM block
// that begins was decoded, key and first certificate have the same key ID, and the certificate has not expired.
// Everything is parsed into a new pair, so a bad one leaves nothing behind.
//
// GnuTLS keeps what a session was given until the session ends, and takes no references: so each handshake gets copies
// of its own, and a pair can be replaced while connections that were made with it go on. A copy costs some tens of
// microseconds, a handshake's signature many times that.
#include "keypair.h"

#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEMPORARY_SUBJECT "CN=temporary\\, until the authority has issued one"

enum { SUBJECT_MAX = 256, KEY_ID_MAX = 64, TEMPORARY_EARLY_S = 3600, TEMPORARY_LIFE_S = 10 * 365 * 86400 };

struct keypair {
    gnutls_x509_crt_t *chain;
    unsigned n_chain;
    gnutls_x509_privkey_t key;
    char subject[SUBJECT_MAX];
};

static enum err refuse(char why[KEYPAIR_WHY_MAX], const char *file, const char *text)
{
    snprintf(why, KEYPAIR_WHY_MAX, "%s: %s", file, text);
    return ERR_TLS;
}

static size_t count_blocks(const gnutls_datum_t *pem)
{
    static const char begin[] = "-----BEGIN ";
    size_t n = 0;
    const char *end = (const char *)pem->data + pem->size;
    for (const char *at = (const char *)pem->data;
         (at = memmem(at, (size_t)(end - at), begin, sizeof begin - 1)) != NULL; at += sizeof begin - 1)
        n++;
    return n;
}

static enum err take_chain(struct keypair *pair, const char *file, const gnutls_datum_t *pem, char why[KEYPAIR_WHY_MAX])
{
    int status = gnutls_x509_crt_list_import2(&pair->chain, &pair->n_chain, pem, GNUTLS_X509_FMT_PEM, 0);
    if (status < 0) {
        pair->chain = NULL;
        pair->n_chain = 0;
        return refuse(why, file, gnutls_strerror(status));
    }
    if (pair->n_chain == 0 || pair->n_chain != count_blocks(pem))
        return refuse(why, file, "holds something other than whole certificates");
    return ERR_OK;
}

static enum err take_key(struct keypair *pair, const char *file, const gnutls_datum_t *pem, char why[KEYPAIR_WHY_MAX])
{
    if (gnutls_x509_privkey_init(&pair->key) < 0)
        return ERR_MEMORY;
    int status = gnutls_x509_privkey_import2(pair->key, pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    return status < 0 ? refuse(why, file, gnutls_strerror(status)) : ERR_OK;
}

static enum err load_chain(struct keypair *pair, const char *file, char why[KEYPAIR_WHY_MAX])
{
    gnutls_datum_t pem;
    if (gnutls_load_file(file, &pem) < 0)
        return refuse(why, file, "cannot be read");
    enum err err = take_chain(pair, file, &pem, why);
    gnutls_free(pem.data);
    return err;
}

static enum err load_key(struct keypair *pair, const char *file, char why[KEYPAIR_WHY_MAX])
{
    gnutls_datum_t pem;
    struct stat st;
    if (gnutls_load_file(file, &pem) < 0)
        return refuse(why, file, "cannot be read");
    bool is_open = stat(file, &st) == 0 && (st.st_mode & S_IRWXO) != 0;
    enum err err =
        is_open ? refuse(why, file, "others can read or write it: chmod o-rwx") : take_key(pair, file, &pem, why);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return err;
}

static bool is_matching(const struct keypair *pair)
{
    unsigned char of_certificate[KEY_ID_MAX], of_key[KEY_ID_MAX];
    size_t n_certificate = sizeof of_certificate, n_key = sizeof of_key;
    return gnutls_x509_crt_get_key_id(pair->chain[0], GNUTLS_KEYID_USE_SHA256, of_certificate, &n_certificate) == 0 &&
           gnutls_x509_privkey_get_key_id(pair->key, GNUTLS_KEYID_USE_SHA256, of_key, &n_key) == 0 &&
           n_certificate == n_key && memcmp(of_certificate, of_key, n_key) == 0;
}

static void find_subject(struct keypair *pair)
{
    size_t n = sizeof pair->subject;
    if (gnutls_x509_crt_get_dn(pair->chain[0], pair->subject, &n) >= 0 && pair->subject[0] != '\0')
        return;
    n = sizeof pair->subject - 1;
    if (gnutls_x509_crt_get_subject_alt_name(pair->chain[0], 0, pair->subject, &n, NULL) != GNUTLS_SAN_DNSNAME)
        n = 0;
    pair->subject[n < sizeof pair->subject ? n : 0] = '\0';
}

// Both are there.
static enum err check(struct keypair *pair, const struct keypair_files *files, time_t now, char why[KEYPAIR_WHY_MAX])
{
    if (!is_matching(pair))
        return refuse(why, files->key, "the key does not belong to the certificate");
    if (keypair_expires(pair) <= now)
        return refuse(why, files->certificate, "the certificate has expired");
    find_subject(pair);
    return ERR_OK;
}

enum err keypair_load(struct keypair **pair, const struct keypair_files *files, time_t now, char why[KEYPAIR_WHY_MAX])
{
    struct keypair *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    enum err err = load_chain(self, files->certificate, why);
    if (err == ERR_OK)
        err = load_key(self, files->key, why);
    if (err == ERR_OK)
        err = check(self, files, now, why);
    if (err != ERR_OK) {
        keypair_free(self);
        return err;
    }
    *pair = self;
    return ERR_OK;
}

enum err keypair_parse(struct keypair **pair, const struct keypair_text *text, time_t now, char why[KEYPAIR_WHY_MAX])
{
    const struct keypair_files names = {text->name, text->name};
    const gnutls_datum_t chain = {(uint8_t *)(uintptr_t)text->chain.at, (unsigned)text->chain.n}; // only read
    const gnutls_datum_t key = {(uint8_t *)(uintptr_t)text->key.at, (unsigned)text->key.n};
    struct keypair *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    enum err err = take_chain(self, text->name, &chain, why);
    if (err == ERR_OK)
        err = take_key(self, text->name, &key, why);
    if (err == ERR_OK)
        err = check(self, &names, now, why);
    if (err != ERR_OK) {
        keypair_free(self);
        return err;
    }
    *pair = self;
    return ERR_OK;
}

static bool sign_by_itself(const struct keypair *pair, const char *name, time_t now)
{
    gnutls_x509_crt_t certificate = pair->chain[0];
    const uint8_t serial[] = {1};
    return gnutls_x509_privkey_generate(pair->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                        0) >= 0 &&
           gnutls_x509_crt_set_version(certificate, 3) >= 0 &&
           gnutls_x509_crt_set_serial(certificate, serial, sizeof serial) >= 0 &&
           gnutls_x509_crt_set_activation_time(certificate, now - TEMPORARY_EARLY_S) >= 0 &&
           gnutls_x509_crt_set_expiration_time(certificate, now + TEMPORARY_LIFE_S) >= 0 &&
           gnutls_x509_crt_set_dn(certificate, TEMPORARY_SUBJECT, NULL) >= 0 &&
           gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                                GNUTLS_FSAN_SET) >= 0 &&
           gnutls_x509_crt_set_key(certificate, pair->key) >= 0 &&
           gnutls_x509_crt_sign2(certificate, certificate, pair->key, GNUTLS_DIG_SHA256, 0) >= 0;
}

enum err keypair_make_temporary(struct keypair **pair, const char *name, time_t now)
{
    struct keypair *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->chain = gnutls_calloc(1, sizeof *self->chain);
    bool is_good = self->chain != NULL && gnutls_x509_crt_init(&self->chain[0]) >= 0;
    self->n_chain = is_good;
    is_good = is_good && gnutls_x509_privkey_init(&self->key) >= 0;
    if (!is_good || !sign_by_itself(self, name, now)) {
        keypair_free(self);
        return is_good ? ERR_TLS : ERR_MEMORY;
    }
    find_subject(self);
    *pair = self;
    return ERR_OK;
}

void keypair_free(struct keypair *pair)
{
    if (pair == NULL)
        return;
    for (unsigned i = 0; i < pair->n_chain; i++)
        gnutls_x509_crt_deinit(pair->chain[i]);
    gnutls_free(pair->chain);
    if (pair->key != NULL)
        gnutls_x509_privkey_deinit(pair->key);
    free(pair);
}

const char *keypair_subject(const struct keypair *pair)
{
    return pair->subject;
}

time_t keypair_begins(const struct keypair *pair)
{
    return gnutls_x509_crt_get_activation_time(pair->chain[0]);
}

time_t keypair_expires(const struct keypair *pair)
{
    return gnutls_x509_crt_get_expiration_time(pair->chain[0]);
}

static void drop_chain(gnutls_pcert_st *chain, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        gnutls_pcert_deinit(&chain[i]);
    gnutls_free(chain);
}

static gnutls_pcert_st *copy_chain(const struct keypair *pair)
{
    gnutls_pcert_st *chain = gnutls_calloc(pair->n_chain, sizeof *chain);
    if (chain == NULL)
        return NULL;
    for (unsigned i = 0; i < pair->n_chain; i++) {
        if (gnutls_pcert_import_x509(&chain[i], pair->chain[i], 0) < 0) {
            drop_chain(chain, i);
            return NULL;
        }
    }
    return chain;
}

enum err keypair_copy(const struct keypair *pair, struct keypair_copy *copy)
{
    gnutls_privkey_t key;
    gnutls_pcert_st *chain = copy_chain(pair);
    if (chain == NULL)
        return ERR_MEMORY;
    if (gnutls_privkey_init(&key) < 0) {
        drop_chain(chain, pair->n_chain);
        return ERR_MEMORY;
    }
    if (gnutls_privkey_import_x509(key, pair->key, GNUTLS_PRIVKEY_IMPORT_COPY) < 0) {
        gnutls_privkey_deinit(key);
        drop_chain(chain, pair->n_chain);
        return ERR_MEMORY;
    }
    *copy = (struct keypair_copy){chain, pair->n_chain, key};
    return ERR_OK;
}

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

enum { SUBJECT_MAX = 256, KEY_ID_MAX = 64 };

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

static enum err load_chain(struct keypair *pair, const char *file, char why[KEYPAIR_WHY_MAX])
{
    gnutls_datum_t pem;
    int status = gnutls_load_file(file, &pem);
    if (status < 0)
        return refuse(why, file, "cannot be read");
    status = gnutls_x509_crt_list_import2(&pair->chain, &pair->n_chain, &pem, GNUTLS_X509_FMT_PEM, 0);
    size_t n_blocks = count_blocks(&pem);
    gnutls_free(pem.data);
    if (status < 0) {
        pair->chain = NULL;
        pair->n_chain = 0;
        return refuse(why, file, gnutls_strerror(status));
    }
    if (pair->n_chain == 0 || pair->n_chain != n_blocks)
        return refuse(why, file, "holds something other than whole certificates");
    return ERR_OK;
}

static enum err load_key(struct keypair *pair, const char *file, char why[KEYPAIR_WHY_MAX])
{
    gnutls_datum_t pem;
    if (gnutls_x509_privkey_init(&pair->key) < 0)
        return ERR_MEMORY;
    struct stat st;
    int status = gnutls_load_file(file, &pem);
    if (status < 0)
        return refuse(why, file, "cannot be read");
    if (stat(file, &st) == 0 && (st.st_mode & S_IRWXO) != 0) {
        gnutls_memset(pem.data, 0, pem.size);
        gnutls_free(pem.data);
        return refuse(why, file, "others can read or write it: chmod o-rwx");
    }
    status = gnutls_x509_privkey_import2(pair->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return status < 0 ? refuse(why, file, gnutls_strerror(status)) : ERR_OK;
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

static enum err load(struct keypair *pair, const struct keypair_files *files, time_t now, char why[KEYPAIR_WHY_MAX])
{
    enum err err = load_chain(pair, files->certificate, why);
    if (err == ERR_OK)
        err = load_key(pair, files->key, why);
    if (err != ERR_OK)
        return err;
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
    enum err err = load(self, files, now, why);
    if (err != ERR_OK) {
        keypair_free(self);
        return err;
    }
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

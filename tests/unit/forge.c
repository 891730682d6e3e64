// SPDX-License-Identifier: MIT
#include "forge.h"

#include "expect.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 };

static void write_pem(const struct tempdir *dir, const char *name, const char *suffix, gnutls_datum_t *pem)
{
    char file[FILE_MAX];
    snprintf(file, sizeof file, "%s.%s", name, suffix);
    tempdir_write(dir, file, pem->data, pem->size);
    gnutls_free(pem->data);
}

static void forge(const struct tempdir *dir, const char *name, time_t expires, bool has_subject)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    gnutls_datum_t pem;
    const uint8_t serial[] = {1, 2, 3};
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    assert_int_equal(gnutls_x509_crt_set_version(certificate, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(certificate, serial, sizeof serial), 0);
    if (has_subject)
        assert_int_equal(
            gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)),
            0);
    assert_int_equal(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                                          GNUTLS_FSAN_SET),
                     0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(certificate, expires - 86400 * 30), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(certificate, expires), 0);
    assert_int_equal(gnutls_x509_crt_set_key(certificate, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem), 0);
    write_pem(dir, name, "crt", &pem);
    assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
    write_pem(dir, name, "key", &pem);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

void forge_pair(const struct tempdir *dir, const char *name, time_t expires)
{
    forge(dir, name, expires, true);
}

void forge_nameless_pair(const struct tempdir *dir, const char *name, time_t expires)
{
    forge(dir, name, expires, false);
}

void forge_copy(const struct tempdir *dir, const char *from, const char *to, size_t n_bytes)
{
    size_t n;
    char *data = tempdir_read(dir, from, &n);
    assert_true(n > 0 && n_bytes <= n);
    tempdir_write(dir, to, data, n_bytes == 0 ? n : n_bytes);
    free(data);
}

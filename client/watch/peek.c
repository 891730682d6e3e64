// SPDX-License-Identifier: MIT
// peek: GnuTLS shakes hands without judging; the certificate is judged afterwards, so that the end of a bad one is
// known too.
//
// A wildcard is looked for under a name nobody uses. The connection is asked for the domain by SNI, whatever the host's
// name or address is: certificates can be seen at a server before the DNS of the domain leads there.
#include "peek.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HOST_MAX = 256, CHAIN_MAX = 16 };

static void set(struct peek *found, enum certificate_state state, const char *format, const char *detail)
{
    found->state = state;
    snprintf(found->reason, sizeof found->reason, format, detail);
}

static const char *name_to_match(const struct peek_options *options, char name[static HOST_MAX])
{
    if (strncmp(options->domain, "*.", 2) != 0)
        return options->domain;
    snprintf(name, HOST_MAX, "acmezone-any.%.240s", options->domain + 2);
    return name;
}

// Name and dates.
static void judge_certificate(struct peek *found, const struct peek_options *options, gnutls_x509_crt_t certificate)
{
    time_t now = time(NULL), end = gnutls_x509_crt_get_expiration_time(certificate);
    char name[HOST_MAX], when[64];
    struct tm tm;
    found->not_after_s = end;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", gmtime_r(&end, &tm));
    if (end <= now)
        set(found, CERTIFICATE_BAD, "the certificate has expired on %s", when);
    else if (gnutls_x509_crt_get_activation_time(certificate) > now)
        set(found, CERTIFICATE_BAD, "the certificate is not valid yet%s", "");
    else if (!gnutls_x509_crt_check_hostname2(certificate, name_to_match(options, name), 0))
        set(found, CERTIFICATE_BAD, "the certificate is not for %s", options->domain);
    else
        set(found, CERTIFICATE_GOOD, "%s", "");
}

static void peek_file(struct peek *found, const struct peek_options *options)
{
    gnutls_datum_t data;
    if (access(options->place, F_OK) != 0 && errno == ENOENT) {
        set(found, CERTIFICATE_NONE, "there is no file %s", options->place);
        return;
    }
    if (gnutls_load_file(options->place, &data) != GNUTLS_E_SUCCESS) {
        set(found, CERTIFICATE_BAD, "the file %s cannot be read", options->place);
        return;
    }
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned n = CHAIN_MAX;
    int status = gnutls_x509_crt_list_import(chain, &n, &data, GNUTLS_X509_FMT_PEM, 0);
    gnutls_free(data.data);
    if (status < 1) {
        set(found, CERTIFICATE_BAD, "the file %s holds no certificate", options->place);
        return;
    }
    judge_certificate(found, options, chain[0]);
    for (int i = 0; i < status; i++)
        gnutls_x509_crt_deinit(chain[i]);
}

// -- Over TLS

static bool split_place(const char *place, char host[static HOST_MAX], const char **port)
{
    const char *colon = strrchr(place, ':');
    if (colon == NULL || colon == place || colon[1] == 0 || (size_t)(colon - place) >= HOST_MAX)
        return false;
    bool has_brackets = place[0] == '[' && colon[-1] == ']';
    size_t n = (size_t)(colon - place) - (has_brackets ? 2 : 0);
    memcpy(host, place + has_brackets, n);
    host[n] = 0;
    *port = colon + 1;
    return true;
}

static int connect_within(const struct addrinfo *to, unsigned timeout_ms)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int error = 0;
    socklen_t n = sizeof error;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
        struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
        if (errno != EINPROGRESS)
            error = errno;
        else if (poll(&pollfd, 1, (int)timeout_ms) != 1)
            error = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
            error = errno;
    }
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

static int open_connection(struct peek *found, const struct peek_options *options)
{
    char host[HOST_MAX];
    const char *port;
    if (!split_place(options->place, host, &port)) {
        set(found, CERTIFICATE_BAD, "\"%s\" is neither HOST:PORT nor a path", options->place);
        return -1;
    }
    struct addrinfo *addresses = NULL;
    int status = getaddrinfo(host, port, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &addresses);
    if (status != 0) {
        set(found, CERTIFICATE_NONE, "the host has no address (%s)", gai_strerror(status));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *to = addresses; to != NULL && fd < 0; to = to->ai_next)
        fd = connect_within(to, options->timeout_ms);
    if (fd < 0)
        set(found, CERTIFICATE_NONE, "nobody can be reached there (%s)", strerrordesc_np(errno));
    freeaddrinfo(addresses);
    return fd;
}

static void judge_trust(struct peek *found, gnutls_session_t session)
{
    unsigned status = 0;
    bool is_asked = gnutls_certificate_verify_peers2(session, &status) == GNUTLS_E_SUCCESS;
    if (found->state != CERTIFICATE_GOOD || (is_asked && status == 0))
        return;
    gnutls_datum_t text = {0};
    gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
    set(found, CERTIFICATE_BAD, "the certificate is not trusted: %.200s", text.data == NULL ? "?" : (char *)text.data);
    gnutls_free(text.data);
}

static void judge_session(struct peek *found, const struct peek_options *options, gnutls_session_t session)
{
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    gnutls_x509_crt_t certificate;
    if (chain == NULL || n == 0 || gnutls_x509_crt_init(&certificate) != GNUTLS_E_SUCCESS) {
        set(found, CERTIFICATE_BAD, "%s shows no certificate", options->place);
        return;
    }
    if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS)
        judge_certificate(found, options, certificate);
    else
        set(found, CERTIFICATE_BAD, "%s shows a certificate that cannot be read", options->place);
    gnutls_x509_crt_deinit(certificate);
    judge_trust(found, session);
}

// GnuTLS waits for a non-blocking socket by itself, within its own time-out.
static void shake_hands(struct peek *found, const struct peek_options *options, gnutls_session_t session)
{
    int status;
    do
        status = gnutls_handshake(session);
    while (status < 0 && !gnutls_error_is_fatal(status) && status != GNUTLS_E_TIMEDOUT);
    if (status < 0)
        set(found, CERTIFICATE_BAD, "TLS fails there: %s", gnutls_strerror(status));
    else
        judge_session(found, options, session);
}

static void peek_tls(struct peek *found, const struct peek_options *options)
{
    char name[HOST_MAX];
    int fd = open_connection(found, options);
    if (fd < 0)
        return;
    fcntl(fd, F_SETFL, 0);
    gnutls_session_t session = NULL;
    gnutls_certificate_credentials_t trust = NULL;
    const char *sni = name_to_match(options, name);
    bool is_set = gnutls_certificate_allocate_credentials(&trust) == GNUTLS_E_SUCCESS &&
                  gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) == GNUTLS_E_SUCCESS &&
                  gnutls_set_default_priority(session) == GNUTLS_E_SUCCESS &&
                  gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust) == GNUTLS_E_SUCCESS &&
                  gnutls_server_name_set(session, GNUTLS_NAME_DNS, sni, strlen(sni)) == GNUTLS_E_SUCCESS;
    bool has_trust =
        is_set && (options->ca_file != NULL
                       ? gnutls_certificate_set_x509_trust_file(trust, options->ca_file, GNUTLS_X509_FMT_PEM) > 0
                       : gnutls_certificate_set_x509_system_trust(trust) >= 0);
    if (!has_trust) {
        set(found, CERTIFICATE_BAD, "the authorities to trust cannot be read%s", "");
    } else {
        gnutls_transport_set_int(session, fd);
        gnutls_handshake_set_timeout(session, options->timeout_ms);
        shake_hands(found, options, session);
    }
    if (session != NULL)
        gnutls_deinit(session);
    if (trust != NULL)
        gnutls_certificate_free_credentials(trust);
    close(fd);
}

void peek(struct peek *found, const struct peek_options *options)
{
    *found = (struct peek){.state = CERTIFICATE_NONE};
    if (strchr(options->place, '/') != NULL)
        peek_file(found, options);
    else
        peek_tls(found, options);
}

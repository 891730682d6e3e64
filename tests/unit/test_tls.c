// SPDX-License-Identifier: MIT
// HTTPS: versions, and certificates that change while connections are open.
#include "expect.h"
#include "forge.h"
#include "rig.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct line {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    int status; // of the handshake
};

static void dial(struct line *line, const struct rig *rig, const char *priorities)
{
    line->fd = rig_connect(rig);
    assert_int_equal(gnutls_init(&line->session, GNUTLS_CLIENT), 0);
    assert_int_equal(gnutls_priority_set_direct(line->session, priorities, NULL), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&line->credentials), 0);
    assert_int_equal(gnutls_credentials_set(line->session, GNUTLS_CRD_CERTIFICATE, line->credentials), 0);
    gnutls_transport_set_int(line->session, line->fd);
    do
        line->status = gnutls_handshake(line->session);
    while (line->status < 0 && !gnutls_error_is_fatal(line->status));
}

static void hang_up(struct line *line)
{
    gnutls_deinit(line->session);
    gnutls_certificate_free_credentials(line->credentials);
    close(line->fd);
}

// The common name the server showed at the handshake.
static void assert_served(const struct line *line, const char *name)
{
    unsigned n = 0;
    gnutls_x509_crt_t certificate;
    char subject[64];
    size_t n_subject = sizeof subject;
    assert_int_equal(line->status, 0);
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(line->session, &n);
    assert_int_equal(n, 1);
    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    assert_int_equal(gnutls_x509_crt_import(certificate, chain, GNUTLS_X509_FMT_DER), 0);
    assert_int_equal(gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, subject, &n_subject),
                     0);
    assert_string_equal(subject, name);
    gnutls_x509_crt_deinit(certificate);
}

static void talk(const struct line *line, char answer[1024])
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(gnutls_record_send(line->session, request, sizeof request - 1), sizeof request - 1);
    ssize_t n;
    do
        n = gnutls_record_recv(line->session, answer, 1023);
    while (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED); // a session ticket is no data
    assert_true(n > 0);
    answer[n] = '\0';
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
}

static const char *with_tls(const struct rig *rig, const char *more)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "tls = \"cert\"\ntls_cert_fullchain = \"%s/live.crt\"\ntls_cert_privkey = \"%s/live.key\"\n%s",
             rig->dir.path, rig->dir.path, more);
    return text;
}

static void use_pair(const struct rig *rig, const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "%s.crt", name);
    forge_copy(&rig->dir, file, "live.crt", 0);
    snprintf(file, sizeof file, "%s.key", name);
    forge_copy(&rig->dir, file, "live.key", 0);
}

static void open_rig(struct rig *rig, const char *more)
{
    rig_begin(rig);
    forge_pair(&rig->dir, "one", time(NULL) + 86400);
    forge_pair(&rig->dir, "two", time(NULL) + 86400);
    forge_pair(&rig->dir, "old", time(NULL) - 60);
    use_pair(rig, "one");
    expect_ok(rig_start(rig, with_tls(rig, more)));
}

static void tls_1_2_and_1_3_are_spoken_and_nothing_older(void **state)
{
    (void)state;
    static const struct {
        const char *priorities;
        bool is_spoken;
    } cases[] = {
        {"NORMAL", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.0", false},
    };
    struct rig rig;
    char answer[1024];
    open_rig(&rig, "");
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct line line;
        dial(&line, &rig, cases[i].priorities);
        assert_int_equal(line.status == 0, cases[i].is_spoken);
        if (cases[i].is_spoken)
            talk(&line, answer);
        hang_up(&line);
    }
    rig_close(&rig);
}

static void hsts_is_sent_over_https_when_it_is_on(void **state)
{
    (void)state;
    struct rig rig;
    struct line line;
    struct reply reply;
    char answer[1024];
    open_rig(&rig, "hsts_enabled = true\nhsts_max_age = 77\nhsts_include_subdomains = true");
    dial(&line, &rig, "NORMAL");
    talk(&line, answer);
    assert_non_null(strstr(answer, "\r\nStrict-Transport-Security: max-age=77; includeSubDomains\r\n"));
    hang_up(&line);
    rig_close(&rig);
    rig_open(&rig, "hsts_enabled = true");
    rig_ask(&rig, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", &reply);
    assert_null(strstr(reply.head, "Strict-Transport-Security"));
    rig_close(&rig);
}

static void a_reload_changes_the_certificate_and_keeps_connections(void **state)
{
    (void)state;
    struct rig rig;
    struct line before, after;
    char answer[1024];
    open_rig(&rig, "");
    dial(&before, &rig, "NORMAL");
    assert_served(&before, "one");
    talk(&before, answer);
    use_pair(&rig, "two");
    expect_ok(rig_reload(&rig));
    dial(&after, &rig, "NORMAL");
    assert_served(&after, "two");
    talk(&after, answer);
    talk(&before, answer);
    hang_up(&before);
    hang_up(&after);
    assert_true(rig_count(&rig, COUNT_certificate_loads) >= 2);
    assert_true(RIG_HAS_LOGGED(&rig, " info tls.loaded ", "CN=two", "expires=20"));
    rig_close(&rig);
}

static void replace_by_link(const struct tempdir *dir, const char *target, const char *name)
{
    char link[TEMPDIR_PATH_MAX], path[TEMPDIR_PATH_MAX];
    assert_int_equal(symlink(target, tempdir_join(dir, "new", link)), 0);
    assert_int_equal(rename(link, tempdir_join(dir, name, path)), 0);
}

static void files_that_change_are_noticed(void **state)
{
    (void)state;
    struct rig rig;
    struct line line;
    open_rig(&rig, "");
    use_pair(&rig, "two");
    rig_wait_count(&rig, COUNT_certificate_loads, 2);
    dial(&line, &rig, "NORMAL");
    assert_served(&line, "two");
    hang_up(&line);
    // By renaming, as most do, and with links, as certbot and Kubernetes do.
    replace_by_link(&rig.dir, "one.crt", "live.crt");
    replace_by_link(&rig.dir, "one.key", "live.key");
    rig_wait_count(&rig, COUNT_certificate_loads, 3);
    dial(&line, &rig, "NORMAL");
    assert_served(&line, "one");
    hang_up(&line);
    assert_int_equal(rig_count(&rig, COUNT_certificate_errors), 0);
    rig_close(&rig);
}

static void a_bad_pair_is_told_once_and_the_old_one_stays(void **state)
{
    (void)state;
    struct rig rig;
    struct line line;
    open_rig(&rig, "");
    use_pair(&rig, "old");
    expect_err(rig_reload(&rig), ERR_TLS);
    forge_copy(&rig.dir, "two.crt", "live.crt", 0);
    rig_wait_count(&rig, COUNT_certificate_errors, 2);
    dial(&line, &rig, "NORMAL");
    assert_served(&line, "one");
    hang_up(&line);
    assert_true(RIG_HAS_LOGGED(&rig, " error tls.reload_failed ", "expired"));
    assert_true(RIG_HAS_LOGGED(&rig, " error tls.reload_failed ", "live.key", "does not belong"));
    assert_int_equal(rig_count(&rig, COUNT_certificate_loads), 1);
    forge_copy(&rig.dir, "two.key", "live.key", 0);
    rig_wait_count(&rig, COUNT_certificate_loads, 2);
    assert_int_equal(rig_count(&rig, COUNT_certificate_errors), 2);
    rig_close(&rig);
}

static void without_a_good_pair_there_is_no_start(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig);
    forge_pair(&rig.dir, "old", time(NULL) - 60);
    use_pair(&rig, "old");
    expect_err(rig_start(&rig, with_tls(&rig, "")), ERR_TLS);
    assert_true(RIG_HAS_LOGGED(&rig, " error tls.refused ", "live.crt: the certificate has expired"));
    assert_false(RIG_HAS_LOGGED(&rig, "api.refused"));
    rig_close(&rig);
}

static void a_client_that_does_not_speak_tls_is_dropped(void **state)
{
    (void)state;
    struct rig rig;
    struct line line;
    open_rig(&rig, "");
    int fd = rig_connect(&rig);
    rig_say(fd, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    char byte;
    while (read(fd, &byte, 1) == 1) // an alert
        ;
    close(fd);
    dial(&line, &rig, "NORMAL");
    assert_served(&line, "one");
    hang_up(&line);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_1_2_and_1_3_are_spoken_and_nothing_older),
        cmocka_unit_test(hsts_is_sent_over_https_when_it_is_on),
        cmocka_unit_test(a_reload_changes_the_certificate_and_keeps_connections),
        cmocka_unit_test(files_that_change_are_noticed),
        cmocka_unit_test(a_bad_pair_is_told_once_and_the_old_one_stays),
        cmocka_unit_test(without_a_good_pair_there_is_no_start),
        cmocka_unit_test(a_client_that_does_not_speak_tls_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

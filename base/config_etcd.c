// SPDX-License-Identifier: MIT
// Endpoints are what etcd calls client URLs: a scheme, a host and a port. Nothing else belongs there; a user and a
// password have options of their own, so that they are neither logged nor shown with the endpoints.
#include "config_etcd.h"

#include <ctype.h>
#include <stdlib.h>

enum { ENDPOINT_MAX = 255, ENDPOINTS_MAX = 64, PORT_MAX = 65535 };

// Whether nothing but host:port stands there; an IPv6 address stands in brackets.
static bool is_authority(const char *text)
{
    size_t n_host = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
    size_t n_port = strlen(text) < n_host + 1 ? 0 : strspn(text + n_host + 1, "0123456789");
    if (n_host == 0 || n_port == 0 || n_port > 5 || text[n_host] != ':' || text[n_host + 1 + n_port] != 0)
        return false;
    for (size_t i = 0; i < n_host; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(text[0] == '[' ? "[]:.%" : "-._", text[i]) == NULL)
            return false;
    int port = atoi(text + n_host + 1);
    return port > 0 && port <= PORT_MAX;
}

static bool is_endpoint(const char *text, bool *is_tls)
{
    *is_tls = strncmp(text, "https://", 8) == 0;
    if (!*is_tls && strncmp(text, "http://", 7) != 0)
        return false;
    return strlen(text) <= ENDPOINT_MAX && is_authority(strstr(text, "://") + 3);
}

// The next entry of a comma list without blanks around it and without a final slash; false: there is none.
static bool next_entry(const char **at, struct bytes *entry)
{
    *at += strspn(*at, ", \t");
    size_t n = strcspn(*at, ",");
    const char *from = *at;
    *at += n;
    while (n > 0 && strchr(" \t/", from[n - 1]) != NULL)
        n--;
    *entry = (struct bytes){(const uint8_t *)from, n};
    return n > 0;
}

static enum err check_endpoints(struct conf *conf, struct config_report *report, size_t *n_tls)
{
    const char **list = arena_take(conf->arena, ENDPOINTS_MAX, sizeof *list);
    struct bytes entry;
    size_t n = 0;
    if (list == NULL)
        return ERR_MEMORY;
    for (const char *at = conf->database_connection; next_entry(&at, &entry); n++) {
        bool is_tls = false;
        if (n == ENDPOINTS_MAX) {
            config_error(report, OPTION_ID_database_connection, "it has more than %d endpoints", ENDPOINTS_MAX);
            break;
        }
        char *text = arena_take_text(conf->arena, entry);
        if (text == NULL)
            return ERR_MEMORY;
        if (!is_endpoint(text, &is_tls)) // which may hold a password, so it is not shown
            config_error(report, OPTION_ID_database_connection,
                         "endpoint %zu is not one; allowed: http://host:port, https://host:port", n + 1);
        *n_tls += is_tls;
        list[n] = text;
    }
    if (n == 0)
        config_error(report, OPTION_ID_database_connection, "it wants at least one endpoint, such as http://host:2379");
    conf->etcd_endpoints = (struct texts){n, list};
    return ERR_OK;
}

static enum err trim_prefix(struct conf *conf, struct config_report *report)
{
    size_t n = strlen(conf->database_prefix);
    while (n > 0 && conf->database_prefix[n - 1] == '/')
        n--;
    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)conf->database_prefix[i]))
            config_error(report, OPTION_ID_database_prefix, "it holds a blank or a control character");
    if (n == 0)
        config_error(report, OPTION_ID_database_prefix, "it is empty but for slashes");
    conf->database_prefix = arena_take_text(conf->arena, (struct bytes){(const uint8_t *)conf->database_prefix, n});
    return conf->database_prefix == NULL ? ERR_MEMORY : ERR_OK;
}

static void check_tls_files(struct conf *conf, struct config_report *report, size_t n_tls)
{
    bool has_cert = *conf->database_tls_cert != 0, has_key = *conf->database_tls_key != 0;
    if (has_cert != has_key)
        config_error(report, has_cert ? OPTION_ID_database_tls_cert : OPTION_ID_database_tls_key,
                     "tls_cert and tls_key go together");
    if (n_tls == 0 && (has_cert || *conf->database_tls_ca != 0))
        config_error(report, has_cert ? OPTION_ID_database_tls_cert : OPTION_ID_database_tls_ca,
                     "it needs endpoints with https://");
    if (n_tls != 0 && n_tls != conf->etcd_endpoints.n)
        config_error(report, OPTION_ID_database_connection, "some endpoints are http:// and some https://");
}

static void check_times(struct conf *conf, struct config_report *report)
{
    if (conf->database_lease_s * 1000 < 2 * conf->database_request_ms)
        config_error(report, OPTION_ID_database_lease_s, "it must be at least twice request_ms");
    if (conf->database_stale_s <= conf->database_lease_s)
        config_error(report, OPTION_ID_database_stale_s, "it must be more than lease_s");
    if (conf->database_barrier_s <= conf->database_lease_s)
        config_warn(report, OPTION_ID_database_barrier_s,
                    "not more than lease_s: updates get 503 while the lease of a replica that died has not ended");
}

// A file name's letters and the like: it becomes part of a key.
static void check_id(struct conf *conf, struct config_report *report)
{
    for (const char *at = conf->database_replica_id; *at != 0; at++)
        if (!isalnum((unsigned char)*at) && strchr("-._", *at) == NULL) {
            config_error(report, OPTION_ID_database_replica_id, "it may hold letters, digits, '-', '.' and '_'");
            return;
        }
}

enum err config_check_etcd(struct conf *conf, struct config_report *report)
{
    size_t n_tls = 0;
    enum err err = check_endpoints(conf, report, &n_tls);
    if (err == ERR_OK)
        err = trim_prefix(conf, report);
    if (err != ERR_OK)
        return err;
    check_tls_files(conf, report, n_tls);
    check_times(conf, report);
    check_id(conf, report);
    if ((*conf->database_username != 0) != (*conf->database_password != 0))
        config_error(report, *conf->database_username != 0 ? OPTION_ID_database_username : OPTION_ID_database_password,
                     "username and password go together");
    return ERR_OK;
}

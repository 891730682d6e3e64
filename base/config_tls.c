// SPDX-License-Identifier: MIT
// A certificate of our own is got by answering for `_acme-challenge.NAME`, so every NAME has to lie in one of our
// zones. The names, the directory and the address end up on the command line of the ACME client: none may look like an
// option.
#include "config_tls.h"

#include <ctype.h>

#define LETSENCRYPT         "https://acme-v02.api.letsencrypt.org/directory"
#define LETSENCRYPT_STAGING "https://acme-staging-v02.api.letsencrypt.org/directory"

enum { CHALLENGE_NAME_MAX = 253 - (sizeof "_acme-challenge." - 1), LABEL_MAX = 63 };

// Lower case, without a final dot; a null pointer when memory is out.
static char *fold(struct conf *conf, const char *given)
{
    struct bytes text = bytes_of_text(given);
    if (text.n > 1 && text.at[text.n - 1] == '.')
        text.n--;
    char *name = arena_take_text(conf->arena, text);
    for (char *at = name; at != NULL && *at != 0; at++)
        *at = (char)tolower((unsigned char)*at);
    return name;
}

static bool is_in_zone(const char *name, const char *zone)
{
    size_t n_name = strlen(name), n_zone = strlen(zone);
    if (n_name < n_zone || strcmp(name + n_name - n_zone, zone) != 0)
        return false;
    return n_name == n_zone || name[n_name - n_zone - 1] == '.';
}

static bool is_ours(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->general_domain.n; i++)
        if (is_in_zone(name, conf->general_domain.at[i]))
            return true;
    return false;
}

// Labels of letters, digits and inner hyphens (RFC 1123 2.1): authorities issue for no others.
static bool is_host_name(const char *name)
{
    size_t n_label = 0;
    for (const char *at = name; *at != 0; at++) {
        bool is_edge = n_label == 0 || at[1] == '.' || at[1] == 0;
        if (*at == '.' ? n_label == 0 : !isalnum((unsigned char)*at) && (*at != '-' || is_edge))
            return false;
        n_label = *at == '.' ? 0 : n_label + 1;
        if (n_label > LABEL_MAX)
            return false;
    }
    return n_label > 0 && strlen(name) <= CHALLENGE_NAME_MAX;
}

static enum err check_names(struct conf *conf, struct config_report *report)
{
    struct texts given = conf->api_api_domain;
    if (given.n == 0)
        given = (struct texts){conf->general_domain.n > 0, conf->general_domain.at};
    const char **names = arena_take(conf->arena, given.n + 1, sizeof *names);
    if (names == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < given.n; i++) {
        names[i] = fold(conf, given.at[i]);
        if (names[i] == NULL)
            return ERR_MEMORY;
        if (!is_host_name(names[i]))
            config_error(report, OPTION_ID_api_api_domain, "\"%.260s\" is no name that a certificate can be for",
                         given.at[i]);
        else if (!is_ours(conf, names[i]))
            config_error(report, OPTION_ID_api_api_domain,
                         "\"%.260s\" lies in none of the domains served here, so its challenge cannot be answered",
                         given.at[i]);
    }
    conf->acme.names = (struct texts){given.n, names};
    return ERR_OK;
}

static bool is_visible(const char *text)
{
    while (isgraph((unsigned char)*text))
        text++;
    return *text == 0;
}

static void check_directory(struct conf *conf, struct config_report *report)
{
    bool is_staging = strcmp(conf->api_tls, "letsencryptstaging") == 0;
    const char *given = conf->api_acme_directory;
    conf->acme.directory = *given != 0 ? given : is_staging ? LETSENCRYPT_STAGING : LETSENCRYPT;
    if (*given != 0 && (strncmp(given, "https://", 8) != 0 || given[8] == 0 || !is_visible(given)))
        config_error(report, OPTION_ID_api_acme_directory, "\"%.200s\" is no https:// URL", given);
    if (*given == 0 && *conf->api_acme_ca_file != 0)
        config_error(report, OPTION_ID_api_acme_ca_file, "it is for acme_directory, which is not set");
}

static bool has_dns_port(const struct conf *conf)
{
    for (size_t i = 0; i < conf->dns_listens.n; i++)
        if (conf->dns_listens.at[i].port == 53)
            return true;
    return false;
}

static enum err check_acme(struct conf *conf, struct config_report *report)
{
    const char *email = conf->api_notification_email;
    conf->acme.is_on = true;
    check_directory(conf, report);
    if (*email != 0 && (strchr(email, '@') == NULL || *email == '-' || !is_visible(email)))
        config_error(report, OPTION_ID_api_notification_email, "\"%.260s\" is not a mail address", email);
    if (!conf->has_udp)
        config_error(report, OPTION_ID_general_protocol,
                     "tls = \"%s\" needs DNS over UDP: that is how authorities ask for the challenge", conf->api_tls);
    if (*conf->api_acme_directory == 0 && !has_dns_port(conf))
        config_warn(report, OPTION_ID_general_listen,
                    "tls = \"%s\": Let's Encrypt asks for the challenge at port 53, which must lead here",
                    conf->api_tls);
    return check_names(conf, report);
}

enum err config_check_tls(struct conf *conf, struct config_report *report)
{
    bool is_cert = strcmp(conf->api_tls, "cert") == 0, is_none = strcmp(conf->api_tls, "none") == 0;
    if (is_cert && (*conf->api_tls_cert_privkey == 0 || *conf->api_tls_cert_fullchain == 0))
        config_error(report, OPTION_ID_api_tls, "\"cert\" needs tls_cert_privkey and tls_cert_fullchain");
    if (is_none && conf->api_hsts_enabled)
        config_warn(report, OPTION_ID_api_hsts_enabled, "has no effect with tls = \"none\"");
    return is_cert || is_none ? ERR_OK : check_acme(conf, report);
}

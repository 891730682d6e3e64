// SPDX-License-Identifier: MIT
// config_check: a list of checks, each about a few options that belong together.
//
// Every check runs, whatever the ones before it found; config_error keeps quiet about an option that was told of
// already. A check that finds nothing wrong leaves its options ready for use.
#include "config_check.h"

#include "config_etcd.h"
#include "config_tls.h"
#include "siphash.h"

#include <ctype.h>
#include <sched.h>
#include <unistd.h>

#define NAME_TEXT_MAX 253
// A fulldomain is a UUID, a dot and the zone.
#define ZONE_TEXT_MAX (NAME_TEXT_MAX - 37)

// The length of a domain name in text form without its trailing dot, or 0 when it is none (RFC 1035 2.3.1, '_' besides;
// RFC 1123 2.1). In a mailbox (`is_mail`) the labels may hold anything visible, and a backslash in front of a dot keeps
// the dot from ending the label.
static size_t name_length(const char *text, bool is_mail)
{
    size_t n = strlen(text), n_label = 0;
    if (n > 0 && text[n - 1] == '.' && !(n > 1 && text[n - 2] == '\\'))
        n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_escape = is_mail && c == '\\' && i + 1 < n;
        if (is_escape)
            i++;
        if (c == '.' && n_label == 0)
            return 0;
        n_label = c == '.' ? 0 : n_label + 1;
        bool is_allowed = is_mail ? c > ' ' && c < 0x7f : isalnum(c) || c == '-' || c == '_' || c == '.';
        if (!is_allowed || n_label > 63)
            return 0;
    }
    return n_label == 0 || n > NAME_TEXT_MAX ? 0 : n;
}

static char *copy_name(struct conf *conf, const char *text)
{
    return arena_take_text(conf->arena, (struct bytes){(const uint8_t *)text, name_length(text, true)});
}

static enum err check_entries(struct conf *conf, struct config_report *report)
{
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        // Every field of a list begins with its count.
        const size_t *n = (const void *)((const char *)conf + OPTIONS[id].offset);
        if (option_is_list(&OPTIONS[id]) && (int64_t)*n < OPTIONS[id].min)
            config_error(report, id, "missing; it wants at least one %s", OPTIONS[id].unit);
    }
    return ERR_OK;
}

static enum err check_domains(struct conf *conf, struct config_report *report)
{
    size_t n = conf->general_domain.n;
    const char **list = arena_take(conf->arena, n, sizeof *list);
    if (list == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const char *given = conf->general_domain.at[i];
        size_t length = name_length(given, false);
        if (length == 0)
            config_error(report, OPTION_ID_general_domain, "\"%.260s\" is not a domain name", given);
        if (length > ZONE_TEXT_MAX)
            config_error(report, OPTION_ID_general_domain, "\"%.260s\" leaves no room for a subdomain", given);
        char *name = arena_take_text(conf->arena, (struct bytes){(const uint8_t *)given, length});
        if (name == NULL)
            return ERR_MEMORY;
        for (char *at = name; *at != 0; at++)
            *at = (char)tolower((unsigned char)*at);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list[j], name) == 0)
                config_error(report, OPTION_ID_general_domain, "\"%.260s\" stands there twice", name);
        }
        list[i] = name;
    }
    conf->general_domain.at = list;
    return ERR_OK;
}

// The contact as a domain name: '@' becomes '.', and the dots in front of it are escaped (RFC 1035 5.1, 8). Behind '@'
// stands a host name; ERR_SYNTAX when not.
static enum err write_mailbox(struct conf *conf, const char **mailbox)
{
    const char *given = *mailbox, *at_sign = strchr(given, '@');
    if (at_sign != NULL && name_length(at_sign + 1, false) == 0)
        return ERR_SYNTAX;
    char *made = arena_take(conf->arena, 2 * strlen(given) + 1, 1), *to = made;
    if (made == NULL)
        return ERR_MEMORY;
    for (const char *at = given; *at != 0; at++) {
        if (at < at_sign && *at == '.')
            *to++ = '\\';
        *to++ = at == at_sign ? '.' : *at;
    }
    if (name_length(made, true) == 0)
        return ERR_SYNTAX;
    *mailbox = made;
    return ERR_OK;
}

static enum err check_soa(struct conf *conf, struct config_report *report)
{
    const char *domain = conf->general_domain.n == 0 ? "" : conf->general_domain.at[0];
    const char *nsname = conf->general_nsname, *nsadmin = conf->general_nsadmin;
    char fallback[sizeof "hostmaster." + NAME_TEXT_MAX];
    snprintf(fallback, sizeof fallback, "hostmaster.%.*s", NAME_TEXT_MAX, domain);
    if (*nsname == 0)
        nsname = domain;
    else if (name_length(nsname, false) == 0)
        config_error(report, OPTION_ID_general_nsname, "\"%.260s\" is not a host name", nsname);
    enum err err = *nsadmin == 0 ? ERR_OK : write_mailbox(conf, &nsadmin);
    if (err == ERR_MEMORY)
        return err;
    if (err != ERR_OK)
        config_error(report, OPTION_ID_general_nsadmin, "\"%.260s\" is not a mail address", nsadmin);
    if (*nsadmin == 0)
        nsadmin = fallback;
    conf->general_nsname = copy_name(conf, nsname);
    conf->general_nsadmin = copy_name(conf, nsadmin);
    return conf->general_nsname == NULL || conf->general_nsadmin == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err check_listen(struct conf *conf, struct config_report *report)
{
    const char *protocol = conf->general_protocol;
    char family = protocol[strlen(protocol) - 1];
    struct listen_families families = {.has_v4 = family != '6', .has_v6 = family != '4'};
    conf->has_udp = strncmp(protocol, "tcp", 3) != 0;
    conf->has_tcp = strncmp(protocol, "udp", 3) != 0;
    struct listen *list = arena_take(conf->arena, conf->general_listen.n * 2, sizeof *list);
    if (list == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < conf->general_listen.n; i++) {
        const char *given = conf->general_listen.at[i];
        struct listen_text text;
        if (listen_parse(bytes_of_text(given), &text) != ERR_OK)
            config_error(report, OPTION_ID_general_listen,
                         "\"%.80s\" is not an address with its port; allowed: 192.0.2.1:53, [2001:db8::1]:53, :53",
                         given);
        else if (listen_add(text, families, list, &conf->dns_listens.n) != ERR_OK)
            config_error(report, OPTION_ID_general_listen, "\"%.80s\" does not go with protocol \"%s\"", given,
                         protocol);
    }
    conf->dns_listens.at = list;
    return ERR_OK;
}

static enum err check_metrics_listen(struct conf *conf, struct config_report *report)
{
    size_t n = conf->metrics_listen.n;
    struct listen *list = n == 0 ? NULL : arena_take(conf->arena, n * 2, sizeof *list);
    if (n > 0 && list == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const char *given = conf->metrics_listen.at[i];
        struct listen_text text;
        enum err err = listen_parse(bytes_of_text(given), &text);
        if (err == ERR_OK)
            err = listen_add(text, (struct listen_families){true, true}, list, &conf->metrics_listens.n);
        if (err != ERR_OK)
            config_error(report, OPTION_ID_metrics_listen,
                         "\"%.80s\" is not an address with its port; allowed: 127.0.0.1:9153, [::1]:9153, :9153",
                         given);
    }
    conf->metrics_listens.at = list;
    conf->is_metrics_asked = report->origins[OPTION_ID_metrics_listen].source != CONFIG_DEFAULT;
    return ERR_OK;
}

static enum err check_api_listen(struct conf *conf, struct config_report *report)
{
    static const char *const ALL[] = {"::"};
    struct texts given = conf->api_ip.n > 0 ? conf->api_ip : (struct texts){1, ALL};
    struct listen *list = arena_take(conf->arena, given.n * 2, sizeof *list);
    if (list == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < given.n; i++) {
        struct listen_text text;
        if (listen_parse_address(bytes_of_text(given.at[i]), &text) != ERR_OK) {
            config_error(report, OPTION_ID_api_ip,
                         "\"%.80s\" is not an address; allowed: 192.0.2.1, 2001:db8::1, ::", given.at[i]);
            continue;
        }
        text.port = (uint16_t)conf->api_port;
        enum err err = listen_add(text, (struct listen_families){true, true}, list, &conf->api_listens.n);
        if (err != ERR_OK)
            return err;
    }
    conf->api_listens.at = list;
    return ERR_OK;
}

// The secret itself is never told.
static enum err check_cookies(struct conf *conf, struct config_report *report)
{
    struct siphash_key key;
    if (*conf->general_cookie_secret != 0 && siphash_key_parse(conf->general_cookie_secret, &key) != ERR_OK)
        config_error(report, OPTION_ID_general_cookie_secret, "wants %d hexadecimal digits", SIPHASH_KEY_DIGITS);
    if (*conf->general_cookie_secret_other == 0)
        return ERR_OK;
    if (siphash_key_parse(conf->general_cookie_secret_other, &key) != ERR_OK)
        config_error(report, OPTION_ID_general_cookie_secret_other, "wants %d hexadecimal digits", SIPHASH_KEY_DIGITS);
    if (*conf->general_cookie_secret == 0)
        config_error(report, OPTION_ID_general_cookie_secret_other, "has no use without cookie_secret");
    return ERR_OK;
}

static enum err check_store(struct conf *conf, struct config_report *report)
{
    bool is_etcd = strcmp(conf->database_engine, "etcd") == 0;
    if (is_etcd)
        return config_check_etcd(conf, report);
    if (strcmp(conf->database_engine, "lmdb") == 0)
        return ERR_OK;
    bool is_from_file = report->origins[OPTION_ID_database_engine].source == CONFIG_FILE;
    config_error(report, OPTION_ID_database_engine,
                 "\"%s\" is a database of acme-dns; take it over with: acmezone import %s%s -c "
                 "/etc/acmezone/config.cfg",
                 conf->database_engine, is_from_file ? "--from " : "SOURCE", is_from_file ? report->file : "");
    return ERR_OK;
}

// The characters of a header's name: RFC 9110 5.6.2.
static bool is_header_name(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || (text[n] != 0 && strchr("!#$%&'*+-.^_`|~", text[n]) != NULL))
        n++;
    return n > 0 && text[n] == 0;
}

// One token under two names would be logged as whichever comes first.
static enum err check_tokens(struct conf *conf, struct config_report *report)
{
    const struct tokens *tokens = &conf->api_registration_tokens;
    for (size_t i = 0; i < tokens->n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(tokens->at[i].secret, tokens->at[j].secret) == 0)
                config_error(report, OPTION_ID_api_registration_tokens, "entries %zu and %zu have the same token",
                             j + 1, i + 1);
        }
    }
    return ERR_OK;
}

static enum err check_proxies(struct conf *conf, struct config_report *report)
{
    if (!conf->api_use_header)
        return ERR_OK;
    if (!is_header_name(conf->api_header_name))
        config_error(report, OPTION_ID_api_header_name, "\"%.60s\" is not the name of a header", conf->api_header_name);
    if (conf->api_trusted_proxies.n == 0)
        config_warn(report, OPTION_ID_api_use_header, "has no effect, since trusted_proxies is empty");
    return ERR_OK;
}

static enum err check_hash(struct conf *conf, struct config_report *report)
{
    if (conf->api_argon2_memory_kib < 8 * conf->api_argon2_lanes)
        config_error(report, OPTION_ID_api_argon2_memory_kib,
                     "%lld KiB is too little for %lld lanes; they need 8 KiB each",
                     (long long)conf->api_argon2_memory_kib, (long long)conf->api_argon2_lanes);
    return ERR_OK;
}

static enum err check_log(struct conf *conf, struct config_report *report)
{
    static const struct {
        const char *word;
        enum log_level level;
    } LEVELS[] = {{"error", LOG_ERROR}, {"warn", LOG_WARN}, {"warning", LOG_WARN}, {"debug", LOG_DEBUG}};
    conf->log.level = LOG_INFO;
    for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++) {
        if (strcmp(conf->logconfig_loglevel, LEVELS[i].word) == 0)
            conf->log.level = LEVELS[i].level;
    }
    if (conf->general_debug)
        conf->log.level = LOG_DEBUG;
    conf->log.is_json = strcmp(conf->logconfig_logformat, "json") == 0;
    conf->log.is_stdout_as_well = strcmp(conf->logconfig_logtype, "both") == 0;
    if (strcmp(conf->logconfig_logtype, "stdout") == 0)
        return ERR_OK;
    conf->log.file = conf->logconfig_logfile;
    if (*conf->log.file == 0)
        config_error(report, OPTION_ID_logconfig_logtype, "\"%s\" needs logfile", conf->logconfig_logtype);
    return ERR_OK;
}

static enum err note_records(struct conf *conf, struct config_report *report)
{
    char place[CONFIG_PLACE_MAX];
    conf->records_place =
        arena_take_text(conf->arena, bytes_of_text(config_place(report, OPTION_ID_general_records, place)));
    return conf->records_place == NULL ? ERR_MEMORY : ERR_OK;
}

// The cores this process may run on.
static int64_t count_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
}

static enum err fill_threads(struct conf *conf, struct config_report *)
{
    int64_t n_cores = count_cores();
    if (conf->general_workers == 0)
        conf->general_workers = n_cores < 1 ? 1 : n_cores > 256 ? 256 : n_cores;
    if (conf->api_hash_threads == 0)
        conf->api_hash_threads = n_cores < 2 ? 1 : n_cores > 257 ? 256 : n_cores - 1;
    return ERR_OK;
}

enum err config_check(struct conf *conf, struct config_report *report)
{
    static enum err (*const CHECKS[])(struct conf *, struct config_report *) = {
        check_entries,    check_domains,        check_soa,   check_listen,     check_cookies,
        check_api_listen, check_metrics_listen, check_store, config_check_tls, check_tokens,
        check_proxies,    check_hash,           check_log,   fill_threads,     note_records,
    };
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < sizeof CHECKS / sizeof *CHECKS; i++)
        err = CHECKS[i](conf, report);
    return err;
}

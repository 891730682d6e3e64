// SPDX-License-Identifier: MIT
// config: the options of one run, read from a TOML file and the environment, checked, and from then on immutable.
//
// options.def declares each option once; its row makes the field here. Whoever is handed a `const struct conf *` may
// read it from any thread. Every pointer in it belongs to it and lives until config_free. Nobody else calls getenv.
#pragma once

#include "bytes.h"
#include "cidr.h"
#include "err.h"
#include "listen.h"
#include "log.h"

#include <stdio.h>

struct texts {
    size_t n;
    const char *const *at;
};

struct cidrs {
    size_t n;
    const struct cidr *at;
};

// A registration token. `name` may be logged; `secret` never.
struct token {
    const char *name;
    const char *secret;
};

struct tokens {
    size_t n;
    const struct token *at;
};

// How the server gets its own certificate.
struct conf_acme {
    bool is_on;
    const char *directory; // URL
    struct texts names;    // lower case, without a final dot; each is one of general_domain or lies in one
};

#define CONF_FIELD_TEXT     const char * // never a null pointer
#define CONF_FIELD_CHOICE   const char * // one of the words in options.def, lower case
#define CONF_FIELD_LIST     struct texts
#define CONF_FIELD_LINES    struct texts
#define CONF_FIELD_NETWORKS struct cidrs
#define CONF_FIELD_TOKENS   struct tokens
#define CONF_FIELD_NUMBER   int64_t
#define CONF_FIELD_SIZE     int64_t // bytes
#define CONF_FIELD_BOOL     bool

// Beyond being in range, the fields are made ready for use: general_domain has at least one entry, all lower case; it,
// general_nsname and general_nsadmin have no trailing dot and are never empty; nsadmin is a domain name in text form (a
// dot in the mail address's local part is written "\."); general_workers and api_hash_threads are not 0;
// database_prefix does not end in '/'.
struct conf {
#define OPTION(section, key, TYPE, ...) CONF_FIELD_##TYPE section##_##key;
#include "options.def"

    // Worked out of the above.
    const char *file;               // the file that was read
    struct listens dns_listens;     // general_listen within general_protocol
    struct listens api_listens;     // api_ip with api_port
    struct listens metrics_listens; // metrics_listen
    bool is_metrics_asked;          // somebody has set metrics_listen
    struct texts etcd_endpoints;    // database_connection with engine "etcd"
    struct conf_acme acme;          // api_tls "letsencrypt" and "letsencryptstaging"
    bool has_udp;                   // general_protocol
    bool has_tcp;
    struct log_options log;    // [logconfig] and general_debug
    const char *records_place; // "FILE:LINE: [general] records", for whoever finds that a record is unsound

    struct arena *arena;
};

// Gets each warning and error as one line of text, "FILE:LINE: [api] port: ...", without a line feed and never holding
// a token.
struct config_sink {
    void (*on_text)(void *arg, bool is_error, const char *text);
    void *arg;
};

// Reads `file`, or when it is a null pointer /etc/acme-dns/config.cfg, else ./config.cfg; the environment overrides it.
// Every unsound option is told to `sink`, not only the first; a file that is no TOML is told by its first mistake.
// ERR_NOT_FOUND: there is no such file. ERR_SYSTEM: it cannot be read. ERR_TOO_LARGE: it is larger than 1 MiB.
// ERR_SYNTAX: it is unsound. ERR_MEMORY. Each has been told.
enum err config_load(struct conf **conf, const char *file, struct config_sink sink);

// The same with the file's content in hand; `name` stands for it in messages.
enum err config_load_text(struct conf **conf, struct bytes text, const char *name, struct config_sink sink);

// Takes a null pointer too.
void config_free(struct conf *conf);

// Prints every option: its place, environment variable, type, default, range and help.
void config_print_options(FILE *out);

// Prints a file in which every option stands with its default, commented out but for those that must be given.
void config_print_sample(FILE *out);

// Prints the options as tables in Markdown.
void config_print_markdown(FILE *out);

// Prints a JSON Schema (draft 7) of the options, one object for each section.
void config_print_schema(FILE *out);

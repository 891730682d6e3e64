// SPDX-License-Identifier: MIT
// keyring: the file of credentials, one account for each domain and server.
//
// The layout is that of acme-dns's certbot hook and of goacmedns (lego): a JSON object from domain to account. An
// account at another server than a domain's first has a key of its own, "DOMAIN URL", which those programs keep and do
// not look at:
//
//     {"example.com": {"username", "password", "fulldomain", "subdomain", "allowfrom", "server_url"}, ...}
//
// Nothing that is in the file is ever lost: it is rewritten whole, under a lock, in one rename, and not at all when it
// could not be read. One thread.
#pragma once

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct keyring;

struct keyring_account {
    const char *username;
    const char *password;
    const char *subdomain;
    const char *fulldomain;
};

// Whose account: the first of the servers is the domain's own.
struct keyring_key {
    const char *domain;
    const char *server; // URL without a final slash
    bool is_first;
};

// Opens and reads the file; one that is not there is an empty one, made when the first account is put in. ERR_SYSTEM,
// ERR_SYNTAX, ERR_MEMORY: `why`, room for 512 characters, says what and where.
enum err keyring_open(struct keyring **keyring, const char *path, char why[static 512]);
void keyring_close(struct keyring *keyring);

// False: there is none. The texts live until the next keyring_lock or keyring_put.
bool keyring_find(const struct keyring *keyring, const struct keyring_key *key, struct keyring_account *account);

// The domain whose account has this fulldomain: lego follows the CNAME on its own and hands its target to the hook.
// NULL: none has. The text has no final zero, but *n characters; it lives as long as those of keyring_find.
const char *keyring_domain_of(const struct keyring *keyring, const char *fulldomain, size_t *n);

// Waits for other runs, until `until_ms` of ask_now_ms; then reads the file anew. ERR_BUSY: the time is over;
// ERR_SYSTEM, ERR_SYNTAX, ERR_MEMORY. `why` as above.
enum err keyring_lock(struct keyring *keyring, int64_t until_ms, char why[static 512]);
void keyring_unlock(struct keyring *keyring);

// Puts in what /register answered and writes the file, durable before this returns. With the lock. ERR_SYNTAX: that is
// no account; ERR_SYSTEM, ERR_MEMORY. `why` as above.
enum err keyring_put(struct keyring *keyring, const struct keyring_key *key, json_t *answer, char why[static 512]);

// Whether others than the owner can read the file.
bool keyring_is_open_to_others(const struct keyring *keyring);

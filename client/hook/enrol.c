// SPDX-License-Identifier: MIT
// Whether a domain is registered is decided under the lock of the keyring, after reading it anew: of two runs that
// start together, the second finds the account that the first has made. The lock is held during the call, so it is
// given back between two tries.
#include "enrol.h"

#include "notice.h"
#include "service.h"

enum { SECOND_MS = 1000 };

static struct keyring_key key_of(const struct enrol *self, const char *domain, size_t server)
{
    return (struct keyring_key){domain, self->options->servers[server], server == 0};
}

bool enrol_find(const struct enrol *self, const char *domain, size_t server, struct keyring_account *account)
{
    const struct keyring_key own = key_of(self, domain, server);
    if (keyring_find(self->keyring, &own, account))
        return true;
    for (size_t i = 0; i < self->options->n_servers; i++) {
        const struct keyring_key other = key_of(self, domain, i);
        if (keyring_find(self->keyring, &other, account))
            return true;
    }
    return false;
}

static json_t *registration(const struct hook_options *options)
{
    json_t *networks = json_array();
    for (size_t i = 0; i < options->n_networks; i++)
        json_array_append_new(networks, json_string(options->networks[i]));
    return options->n_networks == 0 ? (json_decref(networks), json_object()) : json_pack("{so}", "allowfrom", networks);
}

static enum outcome outcome_of(const struct service_call *call)
{
    return service_may_recover(call) ? OUTCOME_DOWN : OUTCOME_REFUSED;
}

static enum outcome register_now(const struct enrol *self, const struct keyring_key *key)
{
    char text[512];
    const struct service_options how = {self->options->ca_file, self->options->call_s * SECOND_MS};
    struct service_call call = {
        .server = key->server, .path = "/register", .token = self->options->token, .body = registration(self->options)};
    service_call_all(&call, 1, &how);
    json_decref(call.body);
    if (call.outcome != SERVICE_OK) {
        service_describe(&call, text);
        notice("%s: cannot register: %s", key->domain, text);
        json_decref(call.answer);
        return outcome_of(&call);
    }
    enum err err = keyring_put(self->keyring, key, call.answer, text);
    json_decref(call.answer);
    if (err == ERR_OK) {
        notice("%s: registered at %s", key->domain, key->server);
        return OUTCOME_DONE;
    }
    notice("%s: %s", key->domain, text);
    return err == ERR_SYNTAX ? OUTCOME_REFUSED : err == ERR_MEMORY ? OUTCOME_BROKEN : OUTCOME_CREDENTIALS;
}

enum outcome enrol_at(const struct enrol *self, const char *domain, size_t server, int64_t until_ms)
{
    char why[512];
    struct keyring_account account;
    const struct keyring_key key = key_of(self, domain, server);
    enum outcome outcome = OUTCOME_CREDENTIALS;
    enum err err = keyring_lock(self->keyring, until_ms, why);
    if (err == ERR_OK)
        outcome = keyring_find(self->keyring, &key, &account) ? OUTCOME_DONE : register_now(self, &key);
    else
        notice("%s", why);
    keyring_unlock(self->keyring);
    return outcome;
}

enum outcome enrol_domain(const struct enrol *self, const char *domain, struct pace pace)
{
    struct keyring_account account;
    enum outcome outcome = OUTCOME_DOWN;
    if (enrol_find(self, domain, 0, &account))
        return OUTCOME_DONE;
    do {
        for (size_t i = 0; i < self->options->n_servers; i++) {
            outcome = enrol_at(self, domain, i, pace.until_ms);
            if (outcome != OUTCOME_DOWN && outcome != OUTCOME_REFUSED)
                return outcome;
        }
    } while (outcome == OUTCOME_DOWN && pace_pause(&pace, 0));
    return outcome;
}

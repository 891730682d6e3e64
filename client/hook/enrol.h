// SPDX-License-Identifier: MIT
// enrol: the account to use for a domain at a server, registered on first use. One thread.
#pragma once

#include "hook.h"
#include "keyring.h"
#include "pace.h"

struct enrol {
    const struct hook_options *options;
    struct keyring *keyring;
};

// The account at server number `server`: its own, or for lack of one that of the domain's first server, which replicas
// share. False: there is none.
bool enrol_find(const struct enrol *self, const char *domain, size_t server, struct keyring_account *account);

// Makes sure that the domain has an account at one of the servers at least, at the first that answers. OUTCOME_DONE,
// DOWN, REFUSED, CREDENTIALS, BROKEN: said already.
enum outcome enrol_domain(const struct enrol *self, const char *domain, struct pace pace);

// Registers at this server, which does not know the account of another; one try. The same outcomes.
enum outcome enrol_at(const struct enrol *self, const char *domain, size_t server, int64_t until_ms);

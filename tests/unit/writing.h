// SPDX-License-Identifier: MIT
// writing: changes to a store, made one at a time and waited for.
#pragma once

#include "store.h"

// The account that owns a subdomain of the tests: the same name, cut to the room there is.
struct uuid writing_username(const char *subdomain);

// TXT rdata of one text: character-strings of up to 255 bytes. It is good until the next call on this thread.
struct bytes writing_rdata(const char *text);

// Submits the change and waits for its result, which is in `change` as well.
enum err writing_submit(struct store *store, struct change *change);

// Never twice the same account, whatever its name is.
enum err writing_register(struct store *store, const char *subdomain);
enum err writing_update(struct store *store, const char *subdomain, const char *text);

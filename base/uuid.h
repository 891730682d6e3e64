// SPDX-License-Identifier: MIT
// uuid: the sixteen bytes behind a username or a subdomain (RFC 9562), and their spellings.
//
// Any thread; nothing allocates.
#pragma once

#include "bytes.h"
#include "err.h"

#define UUID_TEXT_SIZE 37 // the canonical spelling and its final zero

struct uuid {
    uint8_t at[16];
};

// A random (version 4) UUID.
struct uuid uuid_random(void);

// Reads any spelling that acme-dns takes: canonical, 32 digits without dashes, in braces, with the prefix "urn:uuid:";
// either case. ERR_SYNTAX otherwise.
enum err uuid_parse(struct bytes text, struct uuid *uuid);

// The canonical spelling: lower case, dashes.
void uuid_write(const struct uuid *uuid, char text[UUID_TEXT_SIZE]);

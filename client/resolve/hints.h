// SPDX-License-Identifier: MIT
// hints: where the root is, and the keys it is known by.
#pragma once

#include "upstream.h"

#include <ldns/ldns.h>

enum { HINTS_MAX = 32 };

// Fills `roots` from the system's hints, or from those built in, IPv4 first; returns how many, at least one.
size_t hints_roots(struct upstream roots[static HINTS_MAX]);

// Reads DS and DNSKEY records from a file in zone file format (dns-root-data's root.key, ldns-keygen's .ds and .key).
// *anchors is the caller's, to be freed with ldns_rr_list_deep_free. ERR_NOT_FOUND: there is no such file; ERR_SYNTAX:
// it holds something else, or nothing; ERR_MEMORY.
enum err hints_anchors_read(const char *file, ldns_rr_list **anchors);

// The root's: the system's, or those built in. ERR_MEMORY.
enum err hints_anchors_root(ldns_rr_list **anchors);

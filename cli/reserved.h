// SPDX-License-Identifier: MIT
// reserved: which subdomains nobody may choose for an account.
#pragma once

#include "zone.h"

// Names that stand in the configuration, and those that people take for something of the zone's owner. Lower case.
bool reserved_has(const struct zones *zones, struct bytes label);

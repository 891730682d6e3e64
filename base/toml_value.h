// SPDX-License-Identifier: MIT
// toml_value: reads what stands behind the '='. Only toml needs it.
#pragma once

#include "toml_scan.h"

// A "basic" or 'literal' string, the cursor at its quote. ERR_SYNTAX, ERR_MEMORY.
enum err toml_take_string(struct toml_cursor *p, const char **text);

// Any value, the cursor at its first character. ERR_SYNTAX, ERR_MEMORY.
enum err toml_take_value(struct toml_cursor *p, struct toml_value *value);

// SPDX-License-Identifier: MIT
// replace: a file that is always whole: written beside, synced, and renamed into place.
#pragma once

#include "err.h"

#include <sys/types.h>

// ERR_SYSTEM: it could not be written, errno says why; what was there is as it was.
enum err replace_file(const char *path, const char *text, mode_t mode);

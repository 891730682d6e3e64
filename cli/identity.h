// SPDX-License-Identifier: MIT
// identity: who the process is to the system. Main thread.
#pragma once

#include "config.h"

// Before any thread: becomes general_user and its groups for all that is opened from now on, but may still bind low
// ports. Without a user nothing changes, and root is warned about. ERR_NOT_FOUND: there is no such user or group.
// ERR_SYSTEM: only root may become somebody else. Both are logged as serve.refused.
enum err identity_begin(const struct conf *conf, struct log *log);

// When all is bound: gives up what is left of root, in all threads, for good. ERR_SYSTEM, logged as serve.refused.
enum err identity_end(const struct conf *conf, struct log *log);

// SPDX-License-Identifier: MIT
// seccomp_filter: the system calls that serving takes. The door of libseccomp.
#pragma once

#include "err.h"

#include <stdbool.h>

// In all threads, for good: every other call fails with EPERM, or, with `is_log_only`, is made and noted in the
// kernel's log. ERR_SYSTEM: errno says why.
enum err seccomp_filter_enter(bool is_log_only);

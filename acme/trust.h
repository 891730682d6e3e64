// SPDX-License-Identifier: MIT
// trust: how uacme is made to trust an authority of our choice. It knows the system's only; so a tiny library is loaded
// into it (preload/trust.c), which is a part of this program and needs no file.
#pragma once

#include "err.h"

#define TRUST_VARIABLE "ACMEZONE_TRUST_FILE"

// A descriptor of the library in memory, to be inherited; LD_PRELOAD can name it below /proc/self/fd. ERR_SYSTEM.
enum err trust_open(int *fd);

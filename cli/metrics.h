// SPDX-License-Identifier: MIT
// metrics: what Prometheus is told of the house, in its text format. Main thread.
//
// metrics.def declares each metric once.
#pragma once

#include "house.h"

// Everything, as it is now; from malloc, `*n` bytes without the final zero. A null pointer: memory is out.
char *metrics_write(const struct house *house, size_t *n);

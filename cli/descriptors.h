// SPDX-License-Identifier: MIT
// descriptors: how many connections the system lets us have. Main thread.
#pragma once

#include "config.h"

// Before anything listens: takes as many descriptors as the system allows (RLIMIT_NOFILE), and where that is not enough
// for the connections that `conf` allows, lowers general_tcp_connections and api_connections, in proportion, to what
// is, and logs serve.few_descriptors.
void descriptors_fit(struct conf *conf, struct log *log);

// SPDX-License-Identifier: MIT
// order: the agent's work, on its own loop: an account, an order, and the certificate put into the cache directory.
#pragma once

#include "config.h"

// Carries out orders until the server's end of `order_fd` is closed. ERR_SYSTEM: it could not begin.
enum err order_serve(const struct conf *conf, int order_fd, int hook_fd);

// SPDX-License-Identifier: MIT
// txn: a batch as a transaction of etcd. For batch.c.
#pragma once

#include "batch.h"

// Sends the batch as one transaction; `on_end` gets the replica and the answer. ERR_MEMORY: it was not sent.
enum err txn_send(struct replica *replica, const struct batch *batch,
                  void (*on_end)(void *replica, const struct outcome *outcome));

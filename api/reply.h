// SPDX-License-Identifier: MIT
// reply: an answer as HTTP: status, body, and the headers that depend on the configuration.
#pragma once

#include "request.h"

// Queues the answer that was fixed by request_answer. MHD_NO: memory is out, the connection is to be closed.
enum MHD_Result reply_queue(const struct request *request);

// SPDX-License-Identifier: MIT
// register: POST /register makes an account. On the loop's thread.
#pragma once

struct request;

void register_on_request(struct request *request);

// SPDX-License-Identifier: MIT
// update: POST /update publishes a value under an account's subdomain. On the loop's thread.
#pragma once

struct request;

void update_on_request(struct request *request);

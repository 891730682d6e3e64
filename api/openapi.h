// SPDX-License-Identifier: MIT
// openapi: GET /openapi.json describes the API to programs (OpenAPI 3.1). On the loop's thread.
#pragma once

struct request;

void openapi_on_request(struct request *request);

// SPDX-License-Identifier: MIT
// login: proves that a request comes from the account that it names. On the loop's thread.
#pragma once

struct request;

// Looks at X-Api-User and X-Api-Key, and where the request comes from, and calls `on_proved`, at once or later; then
// username, account_subdomain and account_hash of the request are the account's. Otherwise the request is refused, and
// the reason logged as `event`.
void login_start(struct request *request, const char *event, void (*on_proved)(struct request *request));

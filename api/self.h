// SPDX-License-Identifier: MIT
// self: what an account can do about itself, with its own credentials. On the loop's thread.
#pragma once

struct request;

void self_on_show(struct request *request);   // GET /account tells all but the password
void self_on_delete(struct request *request); // DELETE /account: it and its values are gone
void self_on_rotate(struct request *request); // POST /account/rotate: a new password
void self_on_clear(struct request *request);  // POST /clear: its values are gone

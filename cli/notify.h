// SPDX-License-Identifier: MIT
// notify: tells the service manager how we are, by the sd_notify(3) protocol.
#pragma once

// Sends one state, such as "READY=1", to the socket that NOTIFY_SOCKET names. Without one, or when nobody listens,
// nothing happens: the service goes on either way.
void notify_manager(const char *state);

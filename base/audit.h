// SPDX-License-Identifier: MIT
// audit: who did what to which account, from where, and whether it was let; for a SIEM.
//
//     {"time":"2026-11-21T23:09:14.123Z","level":"info","event":"audit.update","result":"done","actor":"client",
//      "account":"…","subdomain":"…","value":"LHDhK3oG…","ip":"192.0.2.7"}
//
// One line an act, into a file of its own (always JSON) or into the log (where loglevel and logformat hold for it too).
// Never pass a password, a key or a token: of a registration token only its name is known here. Any thread; a line
// leaves in one write(2), and several processes may write to one file.
#pragma once

#include "err.h"
#include "log.h"

struct audit;

// What is an empty text or a null pointer is left out of the line.
struct audit_act {
    const char *act;    // "register", "update", "delete": the event is audit.ACT
    enum err result;    // ERR_OK: "done"; else "refused", with a reason
    const char *reason; // one word; none: that of the error
    const char *actor;  // who acts: "client" with his credentials, "operator" on the server
    const char *account;
    const char *subdomain;
    const char *value; // of a TXT; only its beginning is written
    const char *ip;    // of the client
    const char *token; // the name of the registration token
    const char *note;  // whatever else is to be known
};

// `file` is appended to, and made 0640; empty: the lines go to `log`, which must outlive this. ERR_SYSTEM: the file
// cannot be opened, errno says why. ERR_MEMORY.
enum err audit_open(struct audit **audit, const char *file, struct log *log);

// Takes a null pointer too.
void audit_close(struct audit *audit);

// As log_reopen. Takes a null pointer too.
enum err audit_reopen(struct audit *audit);

// Writes one line; nothing when `audit` is a null pointer, which means: no audit log.
void audit_note(struct audit *audit, const struct audit_act *act);

// Lines lost, as log_n_lost; 0 of a null pointer and when the lines go to the log.
uint64_t audit_n_lost(const struct audit *audit);

// SPDX-License-Identifier: MIT
// outcome: how a run of the hook ends. The numbers are exit codes that scripts rely on: they never change.
#pragma once

// name, exit code, what it means
#define OUTCOME_LIST(X)                                                                                                \
    X(DONE, 0, "published, and every name server that can be reached serves it")                                       \
    X(USAGE, 2, "the command line or an environment variable is wrong")                                                \
    X(CNAME, 3, "the CNAME record is missing or leads elsewhere; the record to create was printed")                    \
    X(DOWN, 4, "no server took the value, nor did the fallback")                                                       \
    X(REFUSED, 5, "the server refused the credentials, the registration or the value")                                 \
    X(UNSEEN, 6, "published, but not seen at the name servers or resolvers in time")                                   \
    X(CREDENTIALS, 7, "the file of credentials cannot be read or written; it was left as it was")                      \
    X(BROKEN, 8, "this machine failed: no memory, no threads, no descriptors")

enum outcome {
#define OUTCOME_ENUM(name, code, text) OUTCOME_##name = code,
    OUTCOME_LIST(OUTCOME_ENUM)
#undef OUTCOME_ENUM
};

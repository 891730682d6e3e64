// SPDX-License-Identifier: MIT
// err: the one closed list of everything the world can do to us.
//
// A function that can fail returns `enum err`; ERR_OK is zero. The type is [[nodiscard]], so an ignored error does not
// compile. A failing function leaves its outputs untouched. The failure is logged once, by the module that owns the
// library that failed; between there and the answer, code only returns. Mistakes of our own are asserts, not errors.
//
// Each row says what an error means to the two kinds of clients: the word and status of the JSON answer over HTTP. DNS
// needs no column: whatever fails there is SERVFAIL.
#pragma once

// name, HTTP status, word in {"error": WORD}, text for logs and people
#define ERR_LIST(X)                                                                                                    \
    X(OK, 200, "ok", "success")                                                                                        \
    X(NOT_FOUND, 404, "not_found", "there is no such thing")                                                           \
    X(FORBIDDEN, 401, "forbidden", "credentials or network refused")                                                   \
    X(METHOD, 405, "method_not_allowed", "the method is not allowed here")                                             \
    X(TOO_LARGE, 413, "body_too_large", "the body is larger than allowed")                                             \
    X(JSON, 400, "malformed_json_payload", "the body is not the JSON expected")                                        \
    X(CIDR, 400, "invalid_allowfrom_cidr", "an allowfrom entry is not a network")                                      \
    X(SUBDOMAIN, 400, "bad_subdomain", "the subdomain is missing or misshapen")                                        \
    X(TXT, 400, "bad_txt", "the TXT value is misshapen")                                                               \
    X(NOTE, 400, "bad_note", "the note is too long, or holds control characters")                                      \
    X(RESERVED, 409, "subdomain_reserved", "the subdomain is reserved")                                                \
    X(LIMITED, 429, "too_many_requests", "too many requests or failures from this client")                             \
    X(BUSY, 503, "busy", "a queue is full, try again")                                                                 \
    X(STOPPING, 503, "stopping", "the server is stopping")                                                             \
    X(UNREACHABLE, 503, "store_unreachable", "etcd has not confirmed the change in time; it may have it")              \
    X(BARRIER, 503, "not_on_all_replicas", "etcd has the change, but not every live replica in time")                  \
    X(MEMORY, 503, "out_of_memory", "out of memory")                                                                   \
    X(FULL, 503, "db_error", "the store or its disk is full")                                                          \
    X(STORE, 500, "db_error", "the store failed")                                                                      \
    X(EXISTS, 409, "subdomain_taken", "the name is taken")                                                             \
    X(CONFLICT, 409, "conflict", "somebody else has changed it meanwhile")                                             \
    X(DISABLED, 403, "account_disabled", "the account is disabled")                                                    \
    X(CORRUPT, 500, "db_error", "a stored record does not decode")                                                     \
    X(NEWER, 500, "db_error", "the store was written by a newer version")                                              \
    X(SYNTAX, 400, "bad_syntax", "the text does not parse")                                                            \
    X(RANGE, 400, "out_of_range", "the value is out of range")                                                         \
    X(SPACE, 500, "no_space", "the buffer is too small")                                                               \
    X(SYSTEM, 500, "system_error", "the operating system refused")                                                     \
    X(TLS, 500, "tls_error", "a certificate or key cannot be used")

enum [[nodiscard]] err{
#define ERR_ENUM(name, status, word, text) ERR_##name,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

// The text for logs and people; static.
const char *err_text(enum err err);

// The word of the JSON answer; static.
const char *err_word(enum err err);

// The HTTP status of the JSON answer.
unsigned err_http_status(enum err err);

// SPDX-License-Identifier: MIT
// channel: gRPC calls to one member of etcd over one HTTP/2 connection. The door of libcurl.
//
// All on one loop and its thread. A channel connects with its first call; when its connection breaks, all its calls
// end, and the channel is of no more use: close it and open another. A call sends one message and closes its side; what
// comes back is one message, or a stream of them. Handlers are never called from within channel_call, and never after
// channel_close, which may be called from within a handler.
#pragma once

#include "grpc.h"

#include <uv.h>

struct channel;

// Once for the process, before there are threads. ERR_SYSTEM.
enum err channel_init(void);

struct channel_options {
    uv_loop_t *loop;
    const char *endpoint; // http://HOST:PORT or https://HOST:PORT
    const char *tls_ca;   // PEM files; empty: the system's authorities, no client certificate
    const char *tls_cert;
    const char *tls_key;
    unsigned connect_ms;
};

// `options` and what it points to must outlive the channel. ERR_MEMORY.
enum err channel_open(struct channel **channel, const struct channel_options *options);

// Drops the connection and all calls. Memory is given back on a later turn of the loop. Takes a null pointer too.
void channel_close(struct channel *channel);

// How a call ended. The views and texts are valid during on_end only.
struct outcome {
    int code;             // enum grpc_code, or another number out of an answer
    bool is_local;        // no answer: the connection failed, or time ran out
    const char *text;     // what etcd or libcurl said; empty when all is well
    struct bytes message; // of a call without on_message, with GRPC_OK: the answer
};

struct call {
    const char *path; // "/etcdserverpb.KV/Range"
    const ProtobufCMessage *message;
    const char *token;   // sent as metadata; a null pointer: none
    unsigned timeout_ms; // 0: none

    // A null on_message makes it a call with one answer, which comes with on_end. on_end comes last, once.
    void (*on_message)(void *context, struct bytes message);
    void (*on_end)(void *context, const struct outcome *outcome);
    void *context;
};

// Starts a call; `call` is copied, its message packed. Only the first call makes the connection: no other may begin
// before it has ended. ERR_MEMORY: it has not begun.
enum err channel_call(struct channel *channel, const struct call *call);

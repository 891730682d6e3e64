// SPDX-License-Identifier: MIT
// grpc: how gRPC lies in HTTP/2 (its "PROTOCOL-HTTP2" document): messages in frames, the outcome in trailers.
//
// Bytes to bytes, without sockets. Any thread; each object belongs to one.
#pragma once

#include "bytes.h"
#include "err.h"

#include <protobuf-c/protobuf-c.h>

// The codes that gRPC defines and etcd uses. Another number is kept as it is.
enum grpc_code {
    GRPC_OK = 0,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16
};

#define GRPC_TEXT_MAX     256
#define GRPC_HEAD_BYTES   5
#define GRPC_MESSAGE_MAX  (64u << 20) // a longer one is refused
#define GRPC_CONTENT_TYPE "application/grpc"
#define GRPC_STATUS_OK    200

// Packs a message into one frame that the caller frees; ERR_MEMORY.
enum err grpc_frame(const ProtobufCMessage *message, uint8_t **frame, size_t *n);

// Cuts what comes in into messages. Starts as zeroes; freed by grpc_inflow_free.
struct grpc_inflow {
    uint8_t *at;
    size_t n;     // bytes kept
    size_t n_max; // bytes there is room for
    size_t taken; // of the bytes kept, those handed out already
};

// Keeps another piece. ERR_MEMORY.
enum err grpc_inflow_add(struct grpc_inflow *inflow, struct bytes piece);

// The next whole message; it stays valid until the next call of grpc_inflow_add or _free. ERR_NOT_FOUND: it has not
// come yet. ERR_SYNTAX: compressed, or longer than GRPC_MESSAGE_MAX.
enum err grpc_inflow_take(struct grpc_inflow *inflow, struct bytes *message);

void grpc_inflow_free(struct grpc_inflow *inflow);

// What the headers and trailers of a call have said so far. Starts as zeroes.
struct grpc_status {
    unsigned http_status; // 0: no answer
    bool has_code;        // grpc-status has come
    int code;
    char text[GRPC_TEXT_MAX]; // grpc-message, decoded; without control characters
};

// Reads one line of a header or trailer, "name: value\r\n" or a status line; others than these are left alone.
void grpc_status_read(struct grpc_status *status, struct bytes line);

// SPDX-License-Identifier: MIT
// A message is preceded by one byte that says whether it is compressed (we never allow it) and four of length. Pieces
// come in as TCP cuts them, so they are collected until a message is whole. What was handed out is moved out of the way
// only when the next piece is added: until then the views into it hold.
#include "grpc.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum { ROOM_MIN = 4096 };

enum err grpc_frame(const ProtobufCMessage *message, uint8_t **frame, size_t *n)
{
    size_t n_message = protobuf_c_message_get_packed_size(message);
    uint8_t *made = malloc(GRPC_HEAD_BYTES + n_message);
    if (made == NULL)
        return ERR_MEMORY;
    struct writer w = writer_of(made, GRPC_HEAD_BYTES);
    put_u8(&w, 0);
    put_u32(&w, (uint32_t)n_message);
    protobuf_c_message_pack(message, made + GRPC_HEAD_BYTES);
    *frame = made;
    *n = GRPC_HEAD_BYTES + n_message;
    return ERR_OK;
}

enum err grpc_inflow_add(struct grpc_inflow *inflow, struct bytes piece)
{
    if (inflow->taken > 0) {
        memmove(inflow->at, inflow->at + inflow->taken, inflow->n - inflow->taken);
        inflow->n -= inflow->taken;
        inflow->taken = 0;
    }
    if (inflow->n + piece.n > inflow->n_max) {
        size_t n_max = inflow->n_max < ROOM_MIN ? ROOM_MIN : inflow->n_max;
        while (n_max < inflow->n + piece.n)
            n_max *= 2;
        uint8_t *at = realloc(inflow->at, n_max);
        if (at == NULL)
            return ERR_MEMORY;
        inflow->at = at;
        inflow->n_max = n_max;
    }
    if (piece.n > 0)
        memcpy(inflow->at + inflow->n, piece.at, piece.n);
    inflow->n += piece.n;
    return ERR_OK;
}

enum err grpc_inflow_take(struct grpc_inflow *inflow, struct bytes *message)
{
    if (inflow->n - inflow->taken < GRPC_HEAD_BYTES)
        return ERR_NOT_FOUND;
    struct reader r = reader_of(inflow->at + inflow->taken, inflow->n - inflow->taken);
    bool is_compressed = take_u8(&r) != 0;
    size_t n = take_u32(&r);
    if (is_compressed || n > GRPC_MESSAGE_MAX)
        return ERR_SYNTAX;
    const uint8_t *at = take_bytes(&r, n);
    if (r.is_bad)
        return ERR_NOT_FOUND;
    inflow->taken += GRPC_HEAD_BYTES + n;
    *message = (struct bytes){at, n};
    return ERR_OK;
}

void grpc_inflow_free(struct grpc_inflow *inflow)
{
    free(inflow->at);
    *inflow = (struct grpc_inflow){0};
}

// The value when the line is a header of that name; leading blanks and the line's end are cut off.
static bool find_value(struct bytes line, const char *name, struct bytes *value)
{
    size_t n = strlen(name);
    if (line.n <= n || line.at[n] != ':' || strncasecmp((const char *)line.at, name, n) != 0)
        return false;
    struct bytes found = {line.at + n + 1, line.n - n - 1};
    while (found.n > 0 && found.at[0] == ' ') {
        found.at++;
        found.n--;
    }
    while (found.n > 0 && isspace(found.at[found.n - 1]))
        found.n--;
    *value = found;
    return true;
}

// Reads two hexadecimal digits.
static bool find_hex(struct bytes value, size_t at, uint8_t *c)
{
    unsigned number = 0;
    for (size_t i = at; i < at + 2; i++) {
        if (i >= value.n || !isxdigit(value.at[i]))
            return false;
        int digit = isdigit(value.at[i]) ? value.at[i] - '0' : tolower(value.at[i]) - 'a' + 10;
        number = number * 16 + (unsigned)digit;
    }
    *c = (uint8_t)number;
    return true;
}

// grpc-message is percent-encoded.
static void decode_text(struct bytes value, char text[static GRPC_TEXT_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < value.n && n < GRPC_TEXT_MAX - 1; i++) {
        uint8_t c = value.at[i];
        if (c == '%' && find_hex(value, i + 1, &c))
            i += 2;
        text[n++] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
    }
    text[n] = 0;
}

static int read_number(struct bytes value)
{
    int number = 0;
    for (size_t i = 0; i < value.n && i < 6; i++) {
        if (!isdigit(value.at[i]))
            return GRPC_UNKNOWN;
        number = number * 10 + (value.at[i] - '0');
    }
    return value.n == 0 ? GRPC_UNKNOWN : number;
}

void grpc_status_read(struct grpc_status *status, struct bytes line)
{
    struct bytes value;
    if (line.n > 9 && memcmp(line.at, "HTTP/", 5) == 0) {
        const uint8_t *blank = memchr(line.at, ' ', line.n);
        size_t n = blank == NULL ? 0 : line.n - (size_t)(blank + 1 - line.at);
        status->http_status = n < 3 ? 0 : (unsigned)read_number((struct bytes){blank + 1, 3});
    } else if (find_value(line, "grpc-status", &value)) {
        status->code = read_number(value);
        status->has_code = true;
    } else if (find_value(line, "grpc-message", &value)) {
        decode_text(value, status->text);
    }
}

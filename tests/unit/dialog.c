// SPDX-License-Identifier: MIT
// Plain blocking sockets with SO_RCVTIMEO: a test that waits in vain ends with a message.
#include "dialog.h"

#include "expect.h"
#include "listen.h"
#include "oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 20, ADDRESS_MAX = 64 };

// A socket that tries to connect; `is_connected` tells whether it did.
static int try_connect(const char *addresses, unsigned which, int type, bool *is_connected)
{
    char text[ADDRESS_MAX];
    struct listen_text address;
    struct sockaddr_storage to;
    for (; which > 0; which--)
        addresses = strchr(addresses, ',') + 1;
    size_t n = strcspn(addresses, ",");
    assert_true(n < sizeof text);
    memcpy(text, addresses, n);
    expect_ok(listen_parse((struct bytes){(const uint8_t *)text, n}, &address));
    socklen_t n_to = ip_to_sockaddr(address.ip, address.port, &to);
    int fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    *is_connected = connect(fd, (const struct sockaddr *)&to, n_to) == 0;
    return fd;
}

static int connect_to(const char *addresses, unsigned which, int type)
{
    bool is_connected;
    int fd = try_connect(addresses, which, type, &is_connected);
    assert_true(is_connected);
    return fd;
}

// A datagram to a port where nobody is comes back as an error of the next call.
bool dialog_is_refused(const char *addresses, bool is_tcp)
{
    bool is_connected;
    uint8_t byte = 0;
    int fd = try_connect(addresses, 0, is_tcp ? SOCK_STREAM : SOCK_DGRAM, &is_connected);
    errno = is_connected ? 0 : errno;
    if (!is_tcp && send(fd, &byte, 1, 0) == 1)
        (void)!recv(fd, &byte, 1, 0);
    bool is_refused = errno == ECONNREFUSED;
    close(fd);
    return is_refused;
}

int dialog_udp(const char *addresses, unsigned which)
{
    return connect_to(addresses, which, SOCK_DGRAM);
}

int dialog_tcp(const char *addresses, unsigned which)
{
    return connect_to(addresses, which, SOCK_STREAM);
}

void dialog_send(int fd, struct bytes message)
{
    assert_int_equal(send(fd, message.at, message.n, 0), message.n);
}

size_t dialog_receive(int fd, uint8_t message[static DIALOG_MESSAGE_MAX])
{
    ssize_t n = recv(fd, message, DIALOG_MESSAGE_MAX, 0);
    return n < 0 ? 0 : (size_t)n;
}

void dialog_send_raw(int fd, const void *data, size_t n)
{
    const uint8_t *at = data;
    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        assert_true(sent > 0);
        at += sent;
        n -= (size_t)sent;
    }
}

void dialog_send_framed(int fd, struct bytes message)
{
    const uint8_t length[2] = {(uint8_t)(message.n >> 8), (uint8_t)message.n};
    dialog_send_raw(fd, length, sizeof length);
    dialog_send_raw(fd, message.at, message.n);
}

static bool receive_all(int fd, uint8_t *at, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, at, n, 0);
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

size_t dialog_receive_framed(int fd, uint8_t message[static DIALOG_MESSAGE_MAX])
{
    uint8_t length[2];
    if (!receive_all(fd, length, sizeof length))
        return 0;
    size_t n = (size_t)(length[0] << 8 | length[1]);
    return receive_all(fd, message, n) ? n : 0;
}

char *dialog_ask(int fd, bool is_tcp, const char *name)
{
    static _Thread_local uint8_t answer[DIALOG_MESSAGE_MAX];
    uint8_t space[QUESTION_MAX_BYTES];
    const struct question question = {.name = name, .type = LDNS_RR_TYPE_TXT};
    struct bytes message = {space, question_write(&question, space)};
    (is_tcp ? dialog_send_framed : dialog_send)(fd, message);
    size_t n = (is_tcp ? dialog_receive_framed : dialog_receive)(fd, answer);
    ldns_pkt *pkt = NULL;
    assert_int_equal(ldns_wire2pkt(&pkt, answer, n), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_id(pkt), space[0] << 8 | space[1]);
    char *lines = oracle_lines(pkt, LDNS_SECTION_ANSWER);
    if (lines[0] == '\0') {
        free(lines);
        lines = oracle_head(pkt);
    }
    ldns_pkt_free(pkt);
    return lines;
}

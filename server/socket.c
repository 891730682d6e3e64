// SPDX-License-Identifier: MIT
// An address shared by SO_REUSEPORT is open to every process of the same user, so a second server would start without a
// word and take half of the questions. A socket that is to be alone is therefore bound first where that matters; see
// server.c.
//
// A UDP socket on all addresses must answer from the address that was asked, not from the one the route would choose:
// it is told to report it (IP_PKTINFO), and udp.c hands it back.
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

enum { BACKLOG = 1024, UDP_BUFFER_BYTES = 4 << 20 };

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

static bool is_any(struct ip ip)
{
    static const uint8_t zero[16];
    return ip_is_v4(ip) ? memcmp(ip.at + 12, zero, 4) == 0 : memcmp(ip.at, zero, 16) == 0;
}

static int prepare(int fd, enum socket_kind kind, enum socket_sharing sharing, struct ip ip)
{
    bool is_v4 = ip_is_v4(ip);
    int status = sharing == SOCKET_SHARED ? set(fd, SOL_SOCKET, SO_REUSEPORT, 1) : 0;
    if (status == 0 && !is_v4)
        status = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (status == 0 && kind == SOCKET_TCP)
        status = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (status == 0 && kind == SOCKET_TCP)
        status = set(fd, IPPROTO_TCP, TCP_NODELAY, 1); // accepted sockets inherit it
    if (status == 0 && kind == SOCKET_UDP && is_any(ip))
        status = is_v4 ? set(fd, IPPROTO_IP, IP_PKTINFO, 1) : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (status == 0 && kind == SOCKET_UDP && is_v4)
        // Answers fit the smallest path; a forged "fragmentation needed" must not make us fragment them (RFC 9715).
        status = set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    if (status == 0 && kind == SOCKET_UDP) { // the kernel may give less: that is no failure
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES);
        (void)set(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER_BYTES);
    }
    return status;
}

enum err socket_bind(int *fd, enum socket_kind kind, enum socket_sharing sharing, struct ip ip, uint16_t port)
{
    struct sockaddr_storage address;
    socklen_t n_address = ip_to_sockaddr(ip, port, &address);
    int type = (kind == SOCKET_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int self = socket(address.ss_family, type, 0);
    if (self < 0)
        return ERR_SYSTEM;
    int status = prepare(self, kind, sharing, ip);
    if (status == 0)
        status = bind(self, (const struct sockaddr *)&address, n_address);
    if (status == 0 && kind == SOCKET_TCP)
        status = listen(self, BACKLOG);
    if (status != 0) {
        int saved = errno;
        close(self);
        errno = saved;
        return ERR_SYSTEM;
    }
    *fd = self;
    return ERR_OK;
}

uint16_t socket_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t n = sizeof address;
    if (getsockname(fd, &address.any, &n) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

const char *socket_write(struct ip ip, uint16_t port, char text[static SOCKET_TEXT_MAX])
{
    char address[IP_TEXT_MAX];
    snprintf(text, SOCKET_TEXT_MAX, ip_is_v4(ip) ? "%s:%u" : "[%s]:%u", ip_write(ip, address), port);
    return text;
}

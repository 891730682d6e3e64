// SPDX-License-Identifier: MIT
// A socket that is bound is noted as a URL, for serve.ready.
#include "bind.h"

#include "socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

// ERR_NOT_FOUND: the machine goes without this address.
static enum err bind_one(const struct bind_wanted *wanted, const struct listen *listen, int *fd, FILE *urls)
{
    char text[SOCKET_TEXT_MAX];
    enum err err = socket_bind(fd, SOCKET_TCP, SOCKET_ALONE, listen->ip, listen->port);
    if (err != ERR_OK) {
        int saved = errno;
        if (listen->is_implied && (saved == EAFNOSUPPORT || saved == EADDRNOTAVAIL))
            return ERR_NOT_FOUND; // "all addresses" on a machine without this family
        log_write(wanted->log, wanted->level, "serve.cannot_bind",
                  LOG_STR("address", socket_write(listen->ip, listen->port, text)), LOG_STR("reason", strerror(saved)));
        return err;
    }
    fprintf(urls, "%s%s://%s", ftell(urls) > 0 ? "," : "", wanted->scheme,
            socket_write(listen->ip, socket_port(*fd), text));
    return ERR_OK;
}

enum err bind_all(struct bound *bound, const struct bind_wanted *wanted)
{
    size_t n_text;
    FILE *urls = open_memstream(&bound->urls, &n_text);
    if (urls == NULL)
        return ERR_MEMORY;
    enum err err = ERR_OK;
    for (size_t i = 0; i < wanted->listens->n && bound->n < BIND_MAX; i++) {
        err = bind_one(wanted, &wanted->listens->at[i], &bound->fds[bound->n], urls);
        if (err == ERR_OK)
            bound->n++;
        else if (err != ERR_NOT_FOUND)
            break;
        err = ERR_OK;
    }
    return fclose(urls) == 0 ? err : ERR_MEMORY;
}

void bind_drop(struct bound *bound)
{
    while (bound->n > 0)
        close(bound->fds[--bound->n]);
}

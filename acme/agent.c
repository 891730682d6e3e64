// SPDX-License-Identifier: MIT
// The server's side: what has to be there before the fork, the fork, and packets.
//
// The fork comes before there is any loop: one of libuv's has signal handlers and pipes that a child would share. Of
// the descriptors only the standard ones and the two sockets stay. Signals are for the server; the agent ends when it
// does.
#include "agent.h"

#include "order.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

static enum err refuse(struct log *log, const char *file, enum err err, const char *reason)
{
    log_write(log, LOG_ERROR, "acme.refused", LOG_STR("file", file), LOG_STR("reason", reason));
    return err;
}

static enum err make_directory(const char *directory, struct log *log)
{
    struct stat st;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return refuse(log, directory, ERR_SYSTEM, strerror(errno));
    if (stat(directory, &st) != 0)
        return refuse(log, directory, ERR_SYSTEM, strerror(errno));
    if (!S_ISDIR(st.st_mode) || eaccess(directory, R_OK | W_OK | X_OK) != 0)
        return refuse(log, directory, ERR_SYSTEM, "it is no directory that can be written");
    if ((st.st_mode & S_IRWXO) != 0)
        return refuse(log, directory, ERR_FORBIDDEN, "others can get at it: chmod o-rwx");
    return ERR_OK;
}

static enum err check_files(const struct conf *conf, struct log *log)
{
    if (eaccess(conf->api_acme_program, X_OK) != 0)
        return refuse(log, conf->api_acme_program, ERR_NOT_FOUND,
                      "it cannot be run: install the Debian package uacme, or name the program in acme_program");
    if (*conf->api_acme_ca_file != 0 && eaccess(conf->api_acme_ca_file, R_OK) != 0)
        return refuse(log, conf->api_acme_ca_file, ERR_NOT_FOUND, strerror(errno));
    return make_directory(conf->api_acme_cache_dir, log);
}

static void ignore_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
}

// Moves both to the front and closes all behind them.
static void keep_only(int *order_fd, int *hook_fd)
{
    int order = fcntl(*order_fd, F_DUPFD_CLOEXEC, FIRST_FD + 2), hook = fcntl(*hook_fd, F_DUPFD_CLOEXEC, FIRST_FD + 2);
    if (order < 0 || hook < 0 || dup3(order, FIRST_FD, O_CLOEXEC) < 0 || dup3(hook, FIRST_FD + 1, O_CLOEXEC) < 0)
        _exit(EXIT_FAILURE);
    *order_fd = FIRST_FD;
    *hook_fd = FIRST_FD + 1;
    if (close_range(FIRST_FD + 2, ~0U, 0) != 0)
        _exit(EXIT_FAILURE);
}

_Noreturn static void run(const struct conf *conf, int order_fd, int hook_fd,
                          enum err (*confine)(const struct conf *conf))
{
    ignore_signals();
    umask(077);
    if (confine(conf) != ERR_OK) // which is logged, and the log is among what is closed next
        _exit(EXIT_FAILURE);
    keep_only(&order_fd, &hook_fd);
    _exit(order_serve(conf, order_fd, hook_fd) == ERR_OK ? 0 : EXIT_FAILURE);
}

static enum err fork_agent(struct agent *agent, const struct conf *conf, enum err (*confine)(const struct conf *conf))
{
    int order[2], hook[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, order) != 0)
        return ERR_SYSTEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, hook) != 0) {
        close(order[0]);
        close(order[1]);
        return ERR_SYSTEM;
    }
    pid_t pid = fork();
    if (pid == 0)
        run(conf, order[1], hook[1], confine);
    close(order[1]);
    close(hook[1]);
    if (pid < 0) {
        close(order[0]);
        close(hook[0]);
        return ERR_SYSTEM;
    }
    *agent = (struct agent){order[0], hook[0]};
    return ERR_OK;
}

enum err agent_start(struct agent *agent, const struct conf *conf, struct log *log,
                     enum err (*confine)(const struct conf *conf))
{
    enum err err = check_files(conf, log);
    if (err != ERR_OK)
        return err;
    err = fork_agent(agent, conf, confine);
    return err == ERR_OK ? ERR_OK : refuse(log, "fork", err, strerror(errno));
}

void agent_stop(struct agent *agent)
{
    if (agent->order_fd < 0)
        return;
    close(agent->order_fd);
    close(agent->hook_fd);
    agent->order_fd = agent->hook_fd = -1;
}

static void tell(const struct agent *agent, const char *word, struct bytes text)
{
    uint8_t message[AGENT_MESSAGE_BYTES];
    struct writer w = writer_of(message, sizeof message);
    put_bytes(&w, word, strlen(word));
    put_u8(&w, '\n');
    put_bytes(&w, text.at, text.n);
    if (!w.is_bad)
        (void)!send(agent->order_fd, message, writer_used(&w), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void agent_order(const struct agent *agent, struct bytes account_key)
{
    tell(agent, "order", account_key);
}

void agent_keep(const struct agent *agent, struct bytes bundle)
{
    tell(agent, "keep", bundle);
}

ssize_t agent_take(const struct agent *agent, uint8_t message[AGENT_MESSAGE_BYTES])
{
    ssize_t n = recv(agent->order_fd, message, AGENT_MESSAGE_BYTES, MSG_DONTWAIT);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

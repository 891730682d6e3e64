// SPDX-License-Identifier: MIT
// The command leads a process group of its own, which is what is killed when the time is over. Its standard output goes
// to ours on standard error: standard output belongs to what programs read.
#include "fallback.h"

#include "ask.h"
#include "notice.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 20, NOT_FOUND = 127 };

static _Noreturn void become(const char *command, const struct challenge *challenge)
{
    char name[sizeof challenge->domain + sizeof "_acme-challenge."];
    snprintf(name, sizeof name, "_acme-challenge.%s", challenge->domain);
    (void)setpgid(0, 0);
    if (setenv("NAME", name, 1) == 0 && setenv("VALUE", challenge->value, 1) == 0 &&
        setenv("DOMAIN", challenge->domain, 1) == 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(NOT_FOUND);
}

// False: the time is over, and the command with it.
static bool wait_for(pid_t pid, int64_t until_ms, int *status)
{
    while (waitpid(pid, status, WNOHANG) == 0) {
        if (ask_now_ms() >= until_ms) {
            (void)kill(-pid, SIGKILL);
            (void)waitpid(pid, status, 0);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return true;
}

bool fallback_run(const char *command, const struct challenge *challenge, int64_t until_ms)
{
    int status = 0;
    notice("%s: no server has taken the value; running the fallback: %s", challenge->domain, command);
    pid_t pid = fork();
    if (pid == 0)
        become(command, challenge);
    if (pid < 0) {
        notice("%s: the fallback cannot be started: %s", challenge->domain, strerror(errno));
        return false;
    }
    if (!wait_for(pid, until_ms, &status)) {
        notice("%s: the fallback was ended at the deadline", challenge->domain);
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    notice("%s: the fallback ended with %s %d", challenge->domain, WIFEXITED(status) ? "exit code" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return false;
}

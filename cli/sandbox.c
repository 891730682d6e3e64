// SPDX-License-Identifier: MIT
// Landlock must come before the threads, as it holds for the calling thread and those made by it; seccomp comes last,
// and is then put on all threads, as to open and to bind takes calls that to serve does not.
#include "sandbox.h"

#include "landlock.h"
#include "seccomp_filter.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef ACMEZONE_INSTRUMENTED
static const bool is_instrumented = true;
#else
static const bool is_instrumented = false;
#endif

static int landlock_version; // 0: not in force

static enum err refuse(struct log *log, const char *what)
{
    log_write(log, LOG_ERROR, "serve.refused", LOG_STR("sandbox", what), LOG_STR("reason", strerror(errno)));
    return ERR_SYSTEM;
}

enum err sandbox_begin(const struct conf *conf, struct log *log)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse(log, "no_new_privs");
    if (is_instrumented || !conf->general_landlock)
        return ERR_OK;
    enum err err = landlock_enter(conf, &landlock_version);
    return err == ERR_OK ? ERR_OK : refuse(log, "landlock");
}

enum err sandbox_agent(const struct conf *conf, struct log *log)
{
    int version;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse(log, "no_new_privs");
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); // the client binds no low ports
    if (is_instrumented || !conf->general_landlock || landlock_enter_agent(conf, &version) == ERR_OK)
        return ERR_OK;
    return refuse(log, "landlock");
}

static const char *landlock_text(const struct conf *conf)
{
    if (landlock_version > 0)
        return "on";
    return is_instrumented || !conf->general_landlock ? "off" : "unsupported";
}

enum err sandbox_end(const struct conf *conf, struct log *log)
{
    const char *seccomp = is_instrumented ? "off" : conf->general_seccomp;
    if (strcmp(seccomp, "off") != 0 && seccomp_filter_enter(strcmp(seccomp, "log") == 0) != ERR_OK)
        return refuse(log, "seccomp");
    log_write(log, LOG_INFO, "serve.sandbox", LOG_INT("uid", getuid()), LOG_INT("gid", getgid()),
              LOG_INT("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)), LOG_STR("landlock", landlock_text(conf)),
              LOG_INT("landlock_version", landlock_version), LOG_STR("seccomp", seccomp));
    return ERR_OK;
}

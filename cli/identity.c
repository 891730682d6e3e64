// SPDX-License-Identifier: MIT
// Root is given up in two steps. First the effective user changes, with the saved one still root and one capability
// kept, to bind ports below 1024: so every file is opened and made as that user, and what he could not open again after
// a SIGHUP cannot be opened now either. In the end the other two user ids follow, which needs no privilege, and with
// the last of them the kernel takes the capabilities away. glibc changes ids in all threads at once.
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct identity {
    uid_t user;
    gid_t group;
    const char *name; // a null pointer when the user is a number that has no name
};

static bool is_number(const char *text, unsigned *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value < UINT32_MAX;
}

// A user who is a number needs no entry in /etc/passwd, which a container may not have; his group is then the same.
static enum err find(const struct conf *conf, struct identity *identity)
{
    unsigned number;
    bool is_uid = is_number(conf->general_user, &number);
    const struct passwd *user = is_uid ? getpwuid(number) : getpwnam(conf->general_user);
    if (user == NULL && !is_uid)
        return ERR_NOT_FOUND;
    *identity = user != NULL ? (struct identity){user->pw_uid, user->pw_gid, conf->general_user}
                             : (struct identity){number, number, NULL};
    if (is_uid)
        identity->name = NULL;
    if (conf->general_group[0] == '\0')
        return ERR_OK;
    if (is_number(conf->general_group, &number)) {
        identity->group = number;
        return ERR_OK;
    }
    const struct group *group = getgrnam(conf->general_group);
    if (group == NULL)
        return ERR_NOT_FOUND;
    identity->group = group->gr_gid;
    return ERR_OK;
}

static bool keep_binding_only(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    data[0].permitted &= 1U << CAP_NET_BIND_SERVICE;
    data[0].effective = data[0].permitted;
    data[0].inheritable = data[1].permitted = data[1].effective = data[1].inheritable = 0;
    return syscall(SYS_capset, &header, data) == 0;
}

static bool become(const struct identity *identity)
{
    int status = identity->name != NULL ? initgroups(identity->name, identity->group) : setgroups(1, &identity->group);
    return status == 0 && setresgid(identity->group, identity->group, identity->group) == 0 &&
           setresuid((uid_t)-1, identity->user, (uid_t)-1) == 0 && keep_binding_only();
}

static enum err refuse(struct log *log, const struct conf *conf, enum err err, const char *reason)
{
    log_write(log, LOG_ERROR, "serve.refused", LOG_STR("user", conf->general_user),
              LOG_STR("group", conf->general_group), LOG_STR("reason", reason));
    return err;
}

enum err identity_begin(const struct conf *conf, struct log *log)
{
    struct identity identity;
    if (conf->general_user[0] == '\0') {
        if (geteuid() == 0)
            log_write(log, LOG_WARN, "serve.is_root",
                      LOG_STR("advice", "set [general] user, to \"0\" if that is meant"));
        return ERR_OK;
    }
    enum err err = find(conf, &identity);
    if (err != ERR_OK)
        return refuse(log, conf, err, "there is no such user or group");
    if (geteuid() == identity.user && getuid() == identity.user)
        return ERR_OK;
    if (geteuid() != 0)
        return refuse(log, conf, ERR_SYSTEM, "only root can become another user");
    return become(&identity) ? ERR_OK : refuse(log, conf, ERR_SYSTEM, strerror(errno));
}

enum err identity_end(const struct conf *conf, struct log *log)
{
    uid_t user = geteuid();
    if (conf->general_user[0] == '\0' || user == getuid())
        return ERR_OK;
    if (setresuid(user, user, user) != 0)
        return refuse(log, conf, ERR_SYSTEM, strerror(errno));
    if (user != 0 && setresuid(0, 0, 0) == 0) // that must be impossible now
        return refuse(log, conf, ERR_SYSTEM, "root was not given up");
#ifdef ACMEZONE_INSTRUMENTED
    (void)prctl(PR_SET_DUMPABLE, 1); // the leak checker looks at its own process
#endif
    return ERR_OK;
}

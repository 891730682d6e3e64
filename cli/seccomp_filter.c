// SPDX-License-Identifier: MIT
// A list of what is allowed, found by tracing the tests and completed by what the C library may choose instead (ppoll
// for poll, and the like). There is no way to run a program, to change an identity, to trace, to mount, to load code,
// or to change, link or remove files that are there; memory cannot be made executable; sockets are of the internet, of
// Unix (the service manager) or tell about interfaces (the resolver of the C library).
//
// A call that is not listed fails with EPERM instead of killing the process: that is enough against who has taken it
// over, and a library that tries something new degrades instead of taking DNS down. clone3, whose flags a filter
// cannot see, "does not exist": the C library then takes clone, and only for threads.
#include "seccomp_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

// clang-format off
static const int allowed[] = {
#define CALL(name) SCMP_SYS(name)
    // Threads, time, signals, the end
    CALL(futex), CALL(set_robust_list), CALL(get_robust_list), CALL(rseq), CALL(set_tid_address), CALL(sched_yield),
    CALL(sched_getaffinity), CALL(sched_setaffinity), CALL(sched_getparam), CALL(sched_getscheduler),
    CALL(sched_setscheduler), CALL(sched_get_priority_max), CALL(sched_get_priority_min), CALL(getpriority),
    CALL(setpriority), CALL(membarrier), CALL(getcpu), CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep),
    CALL(nanosleep), CALL(gettimeofday), CALL(time), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn),
    CALL(rt_sigpending), CALL(rt_sigtimedwait), CALL(sigaltstack), CALL(tgkill), CALL(restart_syscall), CALL(exit),
    CALL(exit_group), CALL(getpid), CALL(gettid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid),
    CALL(getrandom), CALL(getrusage), CALL(times), CALL(sysinfo), CALL(uname),
    // Memory
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mincore), CALL(msync),
    // Files
    CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(preadv2), CALL(write), CALL(writev), CALL(pwrite64),
    CALL(pwritev), CALL(pwritev2), CALL(open), CALL(openat), CALL(close), CALL(lseek), CALL(fsync), CALL(fdatasync),
    CALL(ftruncate), CALL(fcntl), CALL(flock), CALL(dup), CALL(dup2), CALL(dup3), CALL(stat), CALL(fstat), CALL(lstat),
    CALL(newfstatat), CALL(statx), CALL(statfs), CALL(fstatfs), CALL(access), CALL(faccessat), CALL(faccessat2),
    CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(getcwd),
    // Loops
    CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(poll),
    CALL(ppoll), CALL(select), CALL(pselect6), CALL(eventfd2), CALL(pipe), CALL(pipe2),
    // The network; socket has a rule of its own
    CALL(accept), CALL(accept4), CALL(bind), CALL(listen), CALL(connect), CALL(getsockname), CALL(getpeername),
    CALL(getsockopt), CALL(setsockopt), CALL(socketpair), CALL(shutdown), CALL(sendto), CALL(recvfrom), CALL(sendmsg),
    CALL(recvmsg), CALL(sendmmsg), CALL(recvmmsg),
#undef CALL
};
// clang-format on

// Calls of which only some are allowed: those whose argument, masked, is this.
static const struct rule {
    int call;
    unsigned argument;
    uint64_t mask;
    uint64_t value;
} rules[] = {
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
    {SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD},
    {SCMP_SYS(socket), 0, UINT32_MAX, AF_INET},
    {SCMP_SYS(socket), 0, UINT32_MAX, AF_INET6},
    {SCMP_SYS(socket), 0, UINT32_MAX, AF_UNIX},
    {SCMP_SYS(socket), 0, UINT32_MAX, AF_NETLINK},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIONBIO},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIONREAD},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIOCLEX},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS},
    {SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NAME},
    {SCMP_SYS(prctl), 0, UINT32_MAX, PR_GET_NO_NEW_PRIVS},
    {SCMP_SYS(prlimit64), 2, UINT64_MAX, 0}, // to ask, not to set
};

static int put_rule(scmp_filter_ctx filter, const struct rule *rule)
{
    const struct scmp_arg_cmp argument = {rule->argument, SCMP_CMP_MASKED_EQ, rule->mask, rule->value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule->call, 1, &argument);
}

// A negative errno, as libseccomp tells failures, or 0.
static int put_rules(scmp_filter_ctx filter)
{
    int status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); // all threads
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && status == 0; i++)
        status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && status == 0; i++)
        status = put_rule(filter, &rules[i]);
    if (status == 0)
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return status == 0 ? seccomp_load(filter) : status;
}

enum err seccomp_filter_enter(bool is_log_only)
{
    scmp_filter_ctx filter = seccomp_init(is_log_only ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) {
        errno = ENOMEM;
        return ERR_SYSTEM;
    }
    int status = put_rules(filter);
    seccomp_release(filter);
    errno = -status;
    return status == 0 ? ERR_OK : ERR_SYSTEM;
}

// SPDX-License-Identifier: MIT
// The filter of system calls. It is for good, so each test is a process of its own.
#include "seccomp_filter.h"

#include "expect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs `work` in a child behind the filter; returns what it returns.
static int behind_filter(bool is_log_only, int (*work)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || seccomp_filter_enter(is_log_only) != ERR_OK)
            _exit(100);
        _exit(work());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool is_refused(long result)
{
    return result == -1 && errno == EPERM;
}

// Which of the calls below is not refused, from 1; 0 when all are.
static int try_what_is_forbidden(void)
{
    char *const argv[] = {"/bin/true", NULL};
    if (!is_refused(execv(argv[0], argv)))
        return 1;
    pid_t child = (pid_t)syscall(SYS_clone, 17L, 0L, 0L, 0L, 0L); // a process, not a thread
    if (child == 0)
        _exit(0);
    if (!is_refused(child))
        return 2;
    if (!is_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
        return 3;
    if (!is_refused(socket(AF_PACKET, SOCK_RAW, 0)))
        return 4;
    if (!is_refused((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
        return 5;
    if (!is_refused(unlink("/tmp/nothing-of-that-name")))
        return 6;
    if (!is_refused(setuid(0)))
        return 7;
    if (!is_refused(kill(getppid(), 0)))
        return 8;
    return 0;
}

static void *run(void *arg)
{
    *(int *)arg = 1;
    return NULL;
}

static int try_what_is_needed(void)
{
    pthread_t thread;
    int has_run = 0;
    if (pthread_create(&thread, NULL, run, &has_run) != 0 || pthread_join(thread, NULL) != 0 || has_run != 1)
        return 1;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || close(fd) != 0)
        return 2;
    fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "x", 1) != 1)
        return 3;
    if (mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return 4;
    return 0;
}

static int try_to_unlink(void)
{
    return unlink("/tmp/nothing-of-that-name") == -1 && errno == ENOENT ? 0 : 1;
}

static void what_serving_does_not_take_is_refused(void **state)
{
    (void)state;
    assert_int_equal(behind_filter(false, try_what_is_forbidden), 0);
}

static void what_serving_takes_goes_on(void **state)
{
    (void)state;
    assert_int_equal(behind_filter(false, try_what_is_needed), 0);
}

static void to_try_it_out_everything_is_let_through(void **state)
{
    (void)state;
    assert_int_equal(behind_filter(true, try_to_unlink), 0);
    assert_int_equal(behind_filter(true, try_what_is_needed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_serving_does_not_take_is_refused),
        cmocka_unit_test(what_serving_takes_goes_on),
        cmocka_unit_test(to_try_it_out_everything_is_let_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

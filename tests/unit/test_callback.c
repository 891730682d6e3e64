// SPDX-License-Identifier: MIT
// What a hook and the server say to each other, over a real socket in the place where a hook finds it.
#include "callback.h"

#include "expect.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs the hook in a process of its own, whose CALLBACK_FD is our socket's other end.
static pid_t run_hook(int *fd, const char *method, const char *type)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    *fd = ends[0];
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *argv[] = {strdup(method), strdup(type), strdup("name"), strdup("token"), strdup("value"), NULL};
        close(ends[0]);
        if (ends[1] != CALLBACK_FD)
            dup2(ends[1], CALLBACK_FD);
        _exit(callback_main(5, argv));
    }
    close(ends[1]);
    return pid;
}

static int status_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void a_value_is_asked_for_and_the_answer_is_the_status(void **state)
{
    (void)state;
    for (int is_published = 0; is_published < 2; is_published++) {
        int fd;
        char text[CALLBACK_MESSAGE_BYTES];
        struct callback_request request;
        pid_t pid = run_hook(&fd, "begin", "dns-01");
        ssize_t n = recv(fd, text, sizeof text, 0);
        assert_true(n > 0);
        assert_int_equal(callback_parse(&request, (struct bytes){(uint8_t *)text, (size_t)n}), ERR_OK);
        assert_true(bytes_equal(request.ident, bytes_of_text("name")));
        assert_true(bytes_equal(request.token, bytes_of_text("token")));
        assert_true(bytes_equal(request.value, bytes_of_text("value")));
        callback_answer(fd, bytes_of_text("another"), !is_published); // left behind for one that was killed
        callback_answer(fd, request.token, is_published);
        assert_int_equal(status_of(pid), is_published ? 0 : 1);
        close(fd);
    }
}

static void other_types_are_declined_and_ends_are_agreed_to_without_a_word(void **state)
{
    (void)state;
    static const struct {
        const char *method, *type;
        int status;
    } rows[] = {{"begin", "http-01", 1}, {"begin", "tls-alpn-01", 1}, {"done", "dns-01", 0}, {"failed", "dns-01", 0}};
    for (size_t i = 0; i < N_OF(rows); i++) {
        int fd;
        char text[CALLBACK_MESSAGE_BYTES];
        assert_int_equal(status_of(run_hook(&fd, rows[i].method, rows[i].type)), rows[i].status);
        assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 0);
        close(fd);
    }
}

static void a_server_that_is_gone_is_a_refusal(void **state)
{
    (void)state;
    int fd;
    char text[CALLBACK_MESSAGE_BYTES];
    pid_t pid = run_hook(&fd, "begin", "dns-01");
    assert_true(recv(fd, text, sizeof text, 0) > 0);
    close(fd);
    assert_int_equal(status_of(pid), 1);
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "begin", "begin\na", "begin\na\nb", "end\na\nb\nc", "begin\na\n\nc", "begin\na\nb\nc\nd", "\n\n\n"};
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct callback_request request;
        assert_int_equal(callback_parse(&request, bytes_of_text(rows[i])), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_asked_for_and_the_answer_is_the_status),
        cmocka_unit_test(other_types_are_declined_and_ends_are_agreed_to_without_a_word),
        cmocka_unit_test(a_server_that_is_gone_is_a_refusal),
        cmocka_unit_test(what_is_no_request_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

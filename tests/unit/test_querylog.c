// SPDX-License-Identifier: MIT
// The rings between workers and the thread that writes: nothing is lost unseen, nothing comes twice.
#include "querylog.h"

#include "answer.h"
#include "expect.h"
#include "logbook.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_MANY = 200000 };

static struct counters counters;

static struct querylog *open_querylog(struct logbook *book, uint64_t n_every, size_t n_rings)
{
    struct querylog *querylog;
    const struct querylog_options options = {logbook_open(book, false, LOG_INFO), n_every, n_rings};
    expect_ok(querylog_open(&querylog, &options));
    return querylog;
}

static struct query query_of(const char *wire, size_t n, uint16_t type)
{
    struct query query = {.has_question = true, .qtype = type, .n_qname = (uint8_t)n};
    memcpy(query.qname, wire, n);
    return query;
}

#define QUERY(wire, type) query_of(wire, sizeof wire, type) // the final zero is the root

static size_t n_lines(const struct logbook *book)
{
    size_t n = 0;
    char *text = logbook_take(book, "log");
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        n++;
    free(text);
    return n;
}

static void a_query_is_one_line_that_tells_client_transport_name_type_and_rcode(void **state)
{
    struct querylog *querylog = open_querylog(*state, 1, 1);
    const struct sockaddr_in client = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000207)};
    const struct message message = {.is_udp = true, .client = (const struct sockaddr *)&client};
    struct query query = QUERY("\1a\7example", 16);
    querylog_note(querylog_ring(querylog, 0), &message, &query, (struct querylog_outcome){RCODE_NXDOMAIN, RRL_SLIP},
                  &counters);
    querylog_close(querylog);
    logbook_expect(*state, "log",
                   LOGBOOK_TIME
                   "info query client=192.0.2.7 transport=udp name=a.example. type=TXT rcode=NXDOMAIN limited=slip\n$");
}

static void names_are_written_as_in_zone_files_and_cannot_forge_a_line(void **state)
{
    static const struct {
        const char *wire;
        size_t n;
        const char *wanted;
    } cases[] = {
        {"", 1, "name=. "},
        {"\3a.b", 5, "name=\"a\\\\.b.\" "},
        {"\3\nx\xff", 5, "name=\"\\\\010x\\\\255.\" "},
        {"\3x\"=", 5, "name=\"x\\\\\\\"=.\" "},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct querylog *querylog = open_querylog(*state, 1, 1);
        struct query query = query_of(cases[i].wire, cases[i].n, 999);
        querylog_note(querylog_ring(querylog, 0), &(struct message){0}, &query, (struct querylog_outcome){0},
                      &counters);
        querylog_close(querylog);
        char *text = logbook_take(*state, "log");
        if (strstr(text, cases[i].wanted) == NULL)
            fail_msg("%s is not in %s", cases[i].wanted, text);
        assert_non_null(strstr(text, "client=- transport=tcp"));
        assert_non_null(strstr(text, "type=TYPE999 rcode=NOERROR limited=no\n"));
        free(text);
        log_close(((struct logbook *)*state)->log);
        ((struct logbook *)*state)->log = NULL;
    }
}

static void one_query_in_n_is_noted_by_each_ring(void **state)
{
    struct querylog *querylog = open_querylog(*state, 10, 2);
    struct query query = QUERY("\1a", 1);
    for (unsigned i = 0; i < 200; i++)
        querylog_note(querylog_ring(querylog, i % 2), &(struct message){0}, &query, (struct querylog_outcome){0},
                      &counters);
    querylog_close(querylog);
    assert_int_equal(n_lines(*state), 20);
}

static void what_does_not_fit_is_counted_and_never_waited_for(void **state)
{
    struct querylog *querylog = open_querylog(*state, 1, 1);
    uint64_t before = counter_value(&counters, COUNT_querylog_dropped);
    struct query query = QUERY("\1a", 1);
    for (unsigned i = 0; i < N_MANY; i++)
        querylog_note(querylog_ring(querylog, 0), &(struct message){0}, &query, (struct querylog_outcome){0},
                      &counters);
    querylog_close(querylog);
    uint64_t n_dropped = counter_value(&counters, COUNT_querylog_dropped) - before;
    assert_in_range(n_dropped, 1, N_MANY - 1);
    assert_int_equal(n_lines(*state), N_MANY - n_dropped);
}

static void a_message_without_a_sound_question_has_no_name(void **state)
{
    struct querylog *querylog = open_querylog(*state, 1, 1);
    struct query query = {0};
    querylog_note(querylog_ring(querylog, 0), &(struct message){0}, &query,
                  (struct querylog_outcome){RCODE_FORMERR, RRL_PASS}, &counters);
    querylog_close(querylog);
    logbook_expect(*state, "log", "name=- type=- rcode=FORMERR limited=no\n$");
}

#define IN_BOOK(name) cmocka_unit_test_setup_teardown(name, logbook_make, logbook_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOOK(a_query_is_one_line_that_tells_client_transport_name_type_and_rcode),
        IN_BOOK(names_are_written_as_in_zone_files_and_cannot_forge_a_line),
        IN_BOOK(one_query_in_n_is_noted_by_each_ring),
        IN_BOOK(what_does_not_fit_is_counted_and_never_waited_for),
        IN_BOOK(a_message_without_a_sound_question_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// stage: zones, a store and a log set up for questions, without a socket. What goes wrong here fails the test.
//
// Each message is laid into memory of exactly the size that is allowed, so that the sanitizers see the first byte too
// far.
#pragma once

#include "answer.h"
#include "oracle.h"
#include "question.h"
#include "tempdir.h"

struct stage {
    struct counters counters;
    struct tempdir dir;
    struct log *log;
    struct conf *conf;
    struct store *store;
    struct store_reader *reader;
    struct zones *zones;
    bool looks_ahead;              // as for a batch of questions
    bool has_no_store;             // as if the store could not be read
    enum store_fitness fitness;    // as if it were a replica's copy
    struct guard *guard;           // the test's own; a null pointer: none
    const struct sockaddr *client; // who asks; a null pointer: unknown
};

// `config` is a whole config file. The caller owns the stage.
struct stage *stage_open(const char *config);
void stage_close(struct stage *stage);

// The same as a teardown of cmocka for a stage in `state`, on which nothing may have been logged.
int stage_teardown(void **state);

// The config out of a text that must be sound.
struct conf *stage_conf(const char *config);

// What the log holds by now. To be freed.
char *stage_log(const struct stage *stage);

// Registers a subdomain and gives it values, up to the first null pointer.
void stage_register(struct stage *stage, const char *subdomain, const char *const *values);

struct transport {
    bool is_udp;
    size_t max_bytes;
};

#define STAGE_UDP ((struct transport){true, 4096})
#define STAGE_TCP ((struct transport){false, 65535})

struct reply {
    uint8_t *at;   // the message; a null pointer when there is none
    size_t n;      // its bytes; 0: dropped
    ldns_pkt *pkt; // what ldns made of it
};

// Asks, and has the oracle read the answer. Only a message that is too short or is itself an answer may be dropped, and
// what the guard limits.
struct reply stage_ask_bytes(struct stage *stage, struct bytes message, struct transport transport);
struct reply stage_ask(struct stage *stage, const struct question *question, struct transport transport);
void reply_free(struct reply *reply);

// A question and what is to come of it; sections as oracle_lines has them, a null pointer for an empty one.
struct row {
    struct question ask;
    const char *head;
    const char *answer;
    const char *authority;
    const char *additional;
};

// clang-format off
#define ROW_DATA(name_, type_, lines_)                                                                        \
    {.ask = {.name = name_, .type = LDNS_RR_TYPE_##type_}, .head = "NOERROR aa", .answer = lines_}
#define ROW_NODATA(name_, type_, soa_)                                                                        \
    {.ask = {.name = name_, .type = LDNS_RR_TYPE_##type_}, .head = "NOERROR aa", .authority = soa_}
#define ROW_NXDOMAIN(name_, type_, soa_)                                                                      \
    {.ask = {.name = name_, .type = LDNS_RR_TYPE_##type_}, .head = "NXDOMAIN aa", .authority = soa_}
#define ROW_REFUSED(name_, type_)                                                                             \
    {.ask = {.name = name_, .type = LDNS_RR_TYPE_##type_}, .head = "REFUSED"}
// clang-format on

// Asks each row over UDP as it is, then with EDNS, over TCP, and with the letters' case turned: the answers must be the
// same.
void stage_check(struct stage *stage, const struct row *rows, size_t n_rows);

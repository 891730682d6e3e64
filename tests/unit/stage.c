// SPDX-License-Identifier: MIT
// A question is first parsed alone in memory of its own length, then answered in a buffer of the transport's.
#include "stage.h"

#include "expect.h"
#include "writing.h"

#include <stdlib.h>
#include <strings.h>

enum { MAP_BYTES = 16 << 20, N_VALUES = 2, QR = 0x80, EDNS_BYTES = 4096 };

static void on_config_text(void *, bool is_error, const char *text)
{
    fail_msg("config %s: %s", is_error ? "error" : "warning", text);
}

struct conf *stage_conf(const char *config)
{
    struct conf *conf;
    expect_ok(config_load_text(&conf, bytes_of_text(config), "test.cfg", (struct config_sink){on_config_text, NULL}));
    return conf;
}

struct stage *stage_open(const char *config)
{
    char path[TEMPDIR_PATH_MAX];
    struct stage *self = aligned_alloc(_Alignof(struct stage), sizeof *self);
    assert_non_null(self);
    memset(self, 0, sizeof *self);
    self->conf = stage_conf(config);
    tempdir_make(&self->dir);
    expect_ok(
        log_open(&self->log, &(struct log_options){.level = LOG_DEBUG, .file = tempdir_join(&self->dir, "log", path)}));
    log_ready(self->log);
    const struct store_options options = {.directory = tempdir_join(&self->dir, "data", path),
                                          .map_bytes = MAP_BYTES,
                                          .n_values = (unsigned)self->conf->general_txt_values,
                                          .n_readers = 2,
                                          .log = self->log};
    expect_ok(store_open(&self->store, &options));
    expect_ok(store_reader_open(&self->reader, self->store));
    expect_ok(zones_new(&self->zones, self->conf, self->log));
    return self;
}

void stage_close(struct stage *stage)
{
    zones_drop(stage->zones);
    store_reader_close(stage->reader);
    store_close(stage->store);
    log_close(stage->log);
    config_free(stage->conf);
    tempdir_remove(&stage->dir);
    free(stage);
}

int stage_teardown(void **state)
{
    char *log = stage_log(*state);
    assert_string_equal(log, "");
    free(log);
    stage_close(*state);
    return 0;
}

char *stage_log(const struct stage *stage)
{
    size_t n;
    return tempdir_read(&stage->dir, "log", &n);
}

void stage_register(struct stage *stage, const char *subdomain, const char *const *values)
{
    expect_ok(writing_register(stage->store, subdomain));
    for (; *values != NULL; values++)
        expect_ok(writing_update(stage->store, subdomain, *values));
}

// Reading past the end of a message shows only when nothing lies behind it.
static enum query_fate parse_alone(struct bytes message)
{
    struct query query;
    uint8_t *copy = malloc(message.n == 0 ? 1 : message.n);
    assert_non_null(copy);
    if (message.n != 0)
        memcpy(copy, message.at, message.n);
    enum query_fate fate = query_parse(&query, (struct bytes){copy, message.n});
    free(copy);
    return fate;
}

struct reply stage_ask_bytes(struct stage *stage, struct bytes message, struct transport transport)
{
    assert_true(message.n <= transport.max_bytes);
    enum query_fate fate = parse_alone(message);
    struct reply reply = {.at = malloc(transport.max_bytes)};
    assert_non_null(reply.at);
    if (message.n != 0)
        memcpy(reply.at, message.at, message.n);

    struct lookup lookup = {.conf = stage->conf,
                            .zones = stage->zones,
                            .reader = stage->has_no_store ? NULL : stage->reader,
                            .fitness = stage->fitness,
                            .guard = stage->guard};
    uint64_t n_limited = counter_value(&stage->counters, COUNT_rrl_dropped);
    expect_ok(store_begin(stage->reader));
    if (stage->looks_ahead)
        lookup_ahead(&lookup, (struct bytes[]){message, message, message, message}, 4);
    struct message question = {reply.at, message.n, transport.max_bytes, transport.is_udp, stage->client};
    reply.n = answer_write(&question, &lookup, &stage->counters);
    store_end(stage->reader);

    bool is_to_be_dropped = message.n < HEADER_BYTES || (message.at[2] & QR) != 0;
    assert_int_equal(fate == QUERY_DROP, is_to_be_dropped);
    assert_int_equal(reply.n == 0, is_to_be_dropped || counter_value(&stage->counters, COUNT_rrl_dropped) != n_limited);
    const struct exchange exchange = {stage->conf, message, {reply.at, reply.n}, transport.max_bytes, transport.is_udp};
    if (reply.n != 0)
        reply.pkt = oracle_read(&exchange);
    return reply;
}

struct reply stage_ask(struct stage *stage, const struct question *question, struct transport transport)
{
    uint8_t message[QUESTION_MAX_BYTES];
    size_t n = question_write(question, message);
    return stage_ask_bytes(stage, (struct bytes){message, n}, transport);
}

void reply_free(struct reply *reply)
{
    free(reply->at);
    ldns_pkt_free(reply->pkt);
    *reply = (struct reply){0};
}

// --- Rows ---

struct asking {
    const char *how;
    const struct row *row;
    bool is_any_case; // owners are echoed in another case than the row has them
};

// The last line feed need not be written down.
static size_t length_of_lines(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && text[n - 1] == '\n' ? n - 1 : n;
}

static void compare(const struct asking *asking, const char *what, char *got, const char *wanted)
{
    const char *text = wanted == NULL ? "" : wanted;
    size_t n = length_of_lines(text);
    int order = asking->is_any_case ? strncasecmp(got, text, n) : strncmp(got, text, n);
    if (order != 0 || length_of_lines(got) != n)
        fail_msg("%s %s: %s is\n%s\nbut should be\n%s", asking->row->ask.name, asking->how, what, got, text);
    free(got);
}

static void check_row(struct stage *stage, const struct asking *asking, const struct question *ask,
                      struct transport transport)
{
    struct reply reply = stage_ask(stage, ask, transport);
    assert_non_null(reply.pkt);
    char *head = oracle_head(reply.pkt);
    if (strcmp(head, asking->row->head) != 0)
        fail_msg("%s %s: %s, not %s", asking->row->ask.name, asking->how, head, asking->row->head);
    free(head);
    compare(asking, "the answer", oracle_lines(reply.pkt, LDNS_SECTION_ANSWER), asking->row->answer);
    compare(asking, "authority", oracle_lines(reply.pkt, LDNS_SECTION_AUTHORITY), asking->row->authority);
    compare(asking, "additional", oracle_lines(reply.pkt, LDNS_SECTION_ADDITIONAL), asking->row->additional);
    reply_free(&reply);
}

void stage_check(struct stage *stage, const struct row *rows, size_t n_rows)
{
    for (const struct row *row = rows; row < rows + n_rows; row++) {
        check_row(stage, &(struct asking){"over UDP", row, false}, &row->ask, STAGE_UDP);
        check_row(stage, &(struct asking){"over TCP", row, false}, &row->ask, STAGE_TCP);
        struct question ask = row->ask;
        char flipped[QUESTION_MAX_BYTES];
        ask.name = question_flip_case(row->ask.name, flipped);
        ask.flags |= QUESTION_RD;
        check_row(stage, &(struct asking){"in another case", row, true}, &ask, STAGE_UDP);
        if (row->ask.has_edns)
            continue;
        ask = row->ask;
        ask.has_edns = ask.is_do = true;
        ask.udp_bytes = EDNS_BYTES;
        check_row(stage, &(struct asking){"with EDNS", row, false}, &ask, STAGE_UDP);
    }
}

// SPDX-License-Identifier: MIT
// ask: ldns makes the packet and reads the answer; between them the question's letters get a random case.
//
// A capital where we sent a small letter is still our question (RFC 4343), so the answer counts; whether the server
// gave the letters back as they were is noted, because resolvers that ask with 0x20 drop the answers of servers that do
// not.
#include "ask.h"

#include "exchange.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

// A connection has more ways to go than a datagram.
enum { TCP_TIMEOUTS = 2, HTTPS_TIMEOUTS = 4 };
enum { UDP_BYTES = 1232, TIMEOUT_MS = 2000, N_TRIES = 3, HEADER_BYTES = 12, QUESTION_TAIL_BYTES = 4 };

int64_t ask_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *ask_outcome_text(enum ask_outcome outcome)
{
    static const char *const texts[] = {
#define ASK_TEXT(name, text) text,
        ASK_OUTCOME_LIST(ASK_TEXT)
#undef ASK_TEXT
    };
    return texts[outcome];
}

static void mix_case(uint8_t *wire, size_t n)
{
    uint8_t coins[256] = {0};
    if (getrandom(coins, sizeof coins, 0) != sizeof coins)
        return;
    for (size_t i = HEADER_BYTES; i < n && wire[i] != 0; i++) {
        uint8_t letter = wire[i] | 0x20;
        if (letter >= 'a' && letter <= 'z')
            wire[i] = coins[i % sizeof coins] & 1 ? letter : letter & 0xdf;
    }
}

// The question in wire form, from malloc; a null pointer when memory is out.
static uint8_t *write_question(const struct ask *question, size_t *n)
{
    ldns_rdf *name = ldns_rdf_clone(question->name);
    ldns_pkt *packet = name == NULL ? NULL : ldns_pkt_query_new(name, question->type, LDNS_RR_CLASS_IN, 0);
    if (packet == NULL) {
        ldns_rdf_deep_free(name);
        return NULL;
    }
    uint16_t id = 0;
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        id = (uint16_t)ask_now_ms();
    ldns_pkt_set_id(packet, id);
    ldns_pkt_set_rd(packet, question->is_recursive);
    ldns_pkt_set_cd(packet, question->is_unchecked);
    if (!question->is_without_edns) {
        ldns_pkt_set_edns_udp_size(packet, UDP_BYTES);
        ldns_pkt_set_edns_do(packet, question->wants_dnssec);
    }
    uint8_t *wire = NULL;
    if (ldns_pkt2wire(&wire, packet, n) != LDNS_STATUS_OK)
        wire = NULL;
    ldns_pkt_free(packet);
    if (wire != NULL)
        mix_case(wire, *n);
    return wire;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return b_ms != 0 && b_ms < a_ms ? b_ms : a_ms;
}

// Whether the time of the whole undertaking is over.
static bool is_over(const struct ask *question)
{
    return question->until_ms != 0 && ask_now_ms() >= question->until_ms;
}

static enum ask_outcome try_udp(struct exchange *exchange, const struct ask *question, unsigned timeout_ms)
{
    enum ask_outcome outcome = ASK_SILENT;
    unsigned n_tries = question->n_tries != 0 ? question->n_tries : N_TRIES;
    for (unsigned i = 0; i < n_tries && outcome == ASK_SILENT && !is_over(question); i++) {
        exchange->until_ms = earlier(ask_now_ms() + timeout_ms, question->until_ms);
        outcome = exchange_udp(exchange);
    }
    return outcome;
}

static void note_answer(struct reply *reply, const struct exchange *exchange)
{
    if (ldns_wire2pkt(&reply->packet, exchange->answer, exchange->n_answer) != LDNS_STATUS_OK) {
        reply->packet = NULL;
        reply->outcome = ASK_GARBAGE;
        return;
    }
    reply->has_edns = ldns_pkt_edns(reply->packet);
    size_t n_name = 0;
    while (HEADER_BYTES + n_name < exchange->query.n && exchange->query.at[HEADER_BYTES + n_name] != 0)
        n_name++;
    reply->kept_case = exchange->n_answer >= HEADER_BYTES + n_name + QUESTION_TAIL_BYTES &&
                       memcmp(exchange->answer + HEADER_BYTES, exchange->query.at + HEADER_BYTES, n_name) == 0;
}

static bool is_cut(const struct exchange *exchange)
{
    return (exchange->answer[2] & 0x02) != 0;
}

static void exchange_by_way(struct reply *reply, struct exchange *exchange, const struct ask *question)
{
    unsigned timeout_ms = question->timeout_ms != 0 ? question->timeout_ms : TIMEOUT_MS;
    if (exchange->upstream->is_https) {
        exchange->until_ms = earlier(ask_now_ms() + HTTPS_TIMEOUTS * (int64_t)timeout_ms, question->until_ms);
        reply->outcome = exchange_https(exchange);
        return;
    }
    if (question->way != ASK_TCP_ONLY) {
        reply->outcome = try_udp(exchange, question, timeout_ms);
        reply->was_cut = reply->outcome == ASK_ANSWERED && is_cut(exchange);
        if (!reply->was_cut || question->way == ASK_UDP_ONLY)
            return;
    }
    reply->is_over_tcp = true;
    exchange->until_ms = earlier(ask_now_ms() + TCP_TIMEOUTS * (int64_t)timeout_ms, question->until_ms);
    reply->outcome = exchange_tcp(exchange);
}

void ask(struct reply *reply, const struct upstream *upstream, const struct ask *question)
{
    *reply = (struct reply){.outcome = ASK_FAILED};
    int64_t began_ms = ask_now_ms();
    struct exchange exchange = {.upstream = upstream, .ca_file = question->ca_file, .detail = reply->detail};
    uint8_t *query = write_question(question, &exchange.query.n);
    exchange.query.at = query;
    exchange.answer = malloc(EXCHANGE_MAX_BYTES);
    if (query != NULL && exchange.answer != NULL)
        exchange_by_way(reply, &exchange, question);
    if (reply->outcome == ASK_ANSWERED)
        note_answer(reply, &exchange);
    free(exchange.answer);
    free(query);
    reply->took_ms = (unsigned)(ask_now_ms() - began_ms);
}

void ask_free(struct reply *reply)
{
    ldns_pkt_free(reply->packet);
    *reply = (struct reply){.outcome = reply->outcome};
}

// SPDX-License-Identifier: MIT
// EDNS (RFC 6891): the version, options, flags and size of the client, and what comes back.
#include "stage.h"

#include "expect.h"

#define SOA   "example.org. 60 IN SOA ns.example.net. hostmaster.example.org. 0 28800 7200 604800 60"
#define VALUE "full.example.org. 0 IN TXT \"a\""
enum { TXT = LDNS_RR_TYPE_TXT, OPT = 41 };

static const char CONFIG[] = "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, "full", (const char *const[]){"a", NULL});
    *state = stage;
    return 0;
}

static void any_size_do_and_unknown_options_get_the_same_answer(void **state)
{
    static const uint16_t sizes[] = {0, 1, 511, 512, 513, 1231, 1232, 1233, 4096, 65535};
    static const char *const options[] = {
        "",
        "\0\3\0\0",                                   // NSID, RFC 5001
        "\0\12\0\10\1\2\3\4\5\6\7\10",                // a client's cookie, RFC 7873
        "\0\10\0\7\0\1\30\0\300\0\2",                 // client subnet, RFC 7871
        "\0\14\0\20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", // padding, RFC 7830
        "\377\375\0\1x\377\376\0\0\0\3\0\0",          // three, two of them unknown
    };
    static const size_t lengths[] = {0, 4, 12, 11, 20, 13};
    for (size_t i = 0; i < N_OF(sizes); i++)
        for (size_t k = 0; k < N_OF(options); k++) {
            const struct row row = {.ask = {.name = "full.example.org",
                                            .type = TXT,
                                            .has_edns = true,
                                            .is_do = k % 2 != 0,
                                            .udp_bytes = sizes[i],
                                            .options = {(const uint8_t *)options[k], lengths[k]}},
                                    .head = "NOERROR aa",
                                    .answer = VALUE};
            stage_check(*state, &row, 1);
        }
}

static void every_version_but_0_is_badvers_whatever_is_asked(void **state)
{
    for (unsigned version = 1; version < 256; version++) {
        const struct row rows[] = {
            {.ask = {.name = "full.example.org",
                     .type = TXT,
                     .has_edns = true,
                     .version = (uint8_t)version,
                     .udp_bytes = 1232},
             .head = "BADVERS"},
            {.ask = {.name = "example.com",
                     .type = TXT,
                     .has_edns = true,
                     .version = (uint8_t)version,
                     .udp_bytes = 512,
                     .is_do = true},
             .head = "BADVERS"},
        };
        stage_check(*state, rows, N_OF(rows));
    }
}

static void every_outcome_answers_edns_with_edns(void **state)
{
    static const struct row rows[] = {
        ROW_NXDOMAIN("missing.example.org", TXT, SOA),
        ROW_NODATA("full.example.org", A, SOA),
        ROW_REFUSED("example.com", A),
        {.ask = QUESTION("example.org", MAILB), .head = "NOTIMP"},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct question ask = rows[i].ask;
        ask.has_edns = true;
        ask.udp_bytes = 1400;
        struct reply reply = stage_ask(*state, &ask, STAGE_UDP);
        assert_true(ldns_pkt_edns(reply.pkt));
        assert_int_equal(ldns_pkt_edns_udp_size(reply.pkt), 1232);
        reply_free(&reply);
    }
}

// A question and any records, given as bytes, behind it. Counts: those of answer, authority and additional.
static void ask_with_records(struct stage *stage, const char *counts, struct bytes records, const char *head)
{
    uint8_t message[QUESTION_MAX_BYTES];
    size_t n = question_write(&(struct question)QUESTION("full.example.org", TXT), message);
    for (unsigned i = 0; i < 3; i++)
        message[7 + 2 * i] = (uint8_t)(counts[i] - '0');
    memcpy(message + n, records.at, records.n);
    struct reply reply = stage_ask_bytes(stage, (struct bytes){message, n + records.n}, STAGE_UDP);
    char *got = oracle_head(reply.pkt);
    assert_string_equal(got, head);
    free(got);
    reply_free(&reply);
}

#define RECORDS(text_) ((struct bytes){(const uint8_t *)text_, sizeof text_ - 1})
#define EMPTY_OPT      "\0\0\51\4\320\0\0\0\0\0\0"
#define NOTHING        "\1x\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4"

static void opt_is_taken_once_from_additional_and_from_the_root_alone(void **state)
{
    ask_with_records(*state, "001", RECORDS(EMPTY_OPT), "NOERROR aa");
    ask_with_records(*state, "002", RECORDS(EMPTY_OPT EMPTY_OPT), "FORMERR");
    ask_with_records(*state, "003", RECORDS(EMPTY_OPT NOTHING EMPTY_OPT), "FORMERR");
    ask_with_records(*state, "100", RECORDS(EMPTY_OPT), "FORMERR");
    ask_with_records(*state, "010", RECORDS(EMPTY_OPT), "FORMERR");
    ask_with_records(*state, "001", RECORDS("\1x\0\0\51\4\320\0\0\0\0\0\0"), "FORMERR");
    ask_with_records(*state, "001", RECORDS("\300\14\0\51\4\320\0\0\0\0\0\0"), "FORMERR");
}

static void other_records_around_opt_are_skipped(void **state)
{
    ask_with_records(*state, "001", RECORDS(NOTHING), "NOERROR aa");
    ask_with_records(*state, "111", RECORDS(NOTHING NOTHING NOTHING), "NOERROR aa");
    ask_with_records(*state, "002", RECORDS(NOTHING EMPTY_OPT), "NOERROR aa");
    ask_with_records(*state, "002", RECORDS(EMPTY_OPT NOTHING), "NOERROR aa");
    ask_with_records(*state, "112", RECORDS(NOTHING NOTHING EMPTY_OPT NOTHING), "NOERROR aa");
    ask_with_records(*state, "001", RECORDS("\300\14\0\1\0\1\0\0\0\0\0\0"), "NOERROR aa");
}

static void options_that_do_not_fill_their_record_are_malformed(void **state)
{
    static const struct bytes options[] = {
        RECORDS("\0\0\51\4\320\0\0\0\0\0\1\0"),           // no room for a code
        RECORDS("\0\0\51\4\320\0\0\0\0\0\2\0\3"),         // a code without a length
        RECORDS("\0\0\51\4\320\0\0\0\0\0\3\0\3\0"),       // half a length
        RECORDS("\0\0\51\4\320\0\0\0\0\0\4\0\3\0\1"),     // a length without its data
        RECORDS("\0\0\51\4\320\0\0\0\0\0\5\0\3\0\0\0"),   // something behind the option
        RECORDS("\0\0\51\4\320\0\0\0\0\0\4\0\3\377\377"), // a length beyond the message
    };
    for (size_t i = 0; i < N_OF(options); i++)
        ask_with_records(*state, "001", options[i], "FORMERR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_size_do_and_unknown_options_get_the_same_answer),
        cmocka_unit_test(every_version_but_0_is_badvers_whatever_is_asked),
        cmocka_unit_test(every_outcome_answers_edns_with_edns),
        cmocka_unit_test(opt_is_taken_once_from_additional_and_from_the_root_alone),
        cmocka_unit_test(other_records_around_opt_are_skipped),
        cmocka_unit_test(options_that_do_not_fill_their_record_are_malformed),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

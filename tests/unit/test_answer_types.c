// SPDX-License-Identifier: MIT
// Questions for something other than records of one type in class IN: ANY, transfers, meta types, CHAOS, other opcodes.
#include "stage.h"

#include "expect.h"

#define SOA "example.org. 60 IN SOA ns.example.net. hostmaster.example.org. 0 28800 7200 604800 60"
#define ANY " 3789 IN HINFO \"RFC8482\" \"\""
#define ASKED_AS(name_, type_, class_, head_)                                                                          \
    {                                                                                                                  \
        .ask = {.name = name_, .type = type_, .class = class_}, .head = head_                                          \
    }
enum { TXT = LDNS_RR_TYPE_TXT, CH = LDNS_RR_CLASS_CH, IN = LDNS_RR_CLASS_IN };

static const char CONFIG[] = "[general]\n"
                             "domain = \"example.org\"\n"
                             "nsname = \"ns.example.net\"\n"
                             "chaos_version = 'acmezone \"unit\"'\n"
                             "records = [\n"
                             "  'example.org. A 192.0.2.1',\n"
                             "  'alias.example.org. CNAME example.org.',\n"
                             "  'x.ent.example.org. A 192.0.2.2',\n"
                             "  '*.wild.example.org. A 192.0.2.3',\n"
                             "  'sub.example.org. NS ns.example.net.',\n"
                             "  'info.example.org. HINFO \"a\" \"b\"',\n"
                             "  'odd.example.org. TYPE65280 \\# 4 01020304',\n"
                             "]\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, "full", (const char *const[]){"a", "b", NULL});
    stage_register(stage, "empty", (const char *const[]){NULL});
    *state = stage;
    return 0;
}

static void any_gets_one_small_rrset_wherever_the_name_exists(void **state)
{
    static const struct row rows[] = {
        ROW_DATA("example.org", ANY, "example.org." ANY),
        ROW_DATA("full.example.org", ANY, "full.example.org." ANY),
        ROW_DATA("empty.example.org", ANY, "empty.example.org." ANY),
        ROW_DATA("_acme-challenge.example.org", ANY, "_acme-challenge.example.org." ANY),
        ROW_DATA("alias.example.org", ANY, "alias.example.org." ANY),
        ROW_DATA("ent.example.org", ANY, "ent.example.org." ANY),
        ROW_DATA("y.wild.example.org", ANY, "y.wild.example.org." ANY),
        ROW_NXDOMAIN("missing.example.org", ANY, SOA),
        ROW_NXDOMAIN("x.full.example.org", ANY, SOA),
        ROW_REFUSED("example.com", ANY),
        {.ask = QUESTION("sub.example.org", ANY),
         .head = "NOERROR",
         .authority = "sub.example.org. 3600 IN NS ns.example.net."},
    };
    stage_check(*state, rows, N_OF(rows));
}

static void hinfo_itself_is_a_type_like_any_other(void **state)
{
    static const struct row rows[] = {
        ROW_NODATA("example.org", HINFO, SOA),
        ROW_NODATA("full.example.org", HINFO, SOA),
        ROW_DATA("info.example.org", HINFO, "info.example.org. 3600 IN HINFO \"a\" \"b\""),
        {.ask = {.name = "odd.example.org", .type = 65280},
         .head = "NOERROR aa",
         .answer = "odd.example.org. 3600 IN TYPE65280 \\# 4 01020304"},
    };
    stage_check(*state, rows, N_OF(rows));
}

static void transfers_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW_REFUSED("example.org", AXFR),
        ROW_REFUSED("example.org", IXFR),
        ROW_REFUSED("full.example.org", AXFR),
        ROW_REFUSED("example.com", AXFR),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void ixfr_with_the_serial_it_has_is_refused_too(void **state)
{
    uint8_t message[QUESTION_MAX_BYTES];
    size_t n = question_write(&(struct question)QUESTION("example.org", IXFR), message);
    static const uint8_t soa[] = {0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0,
                                  1,    0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0};
    memcpy(message + n, soa, sizeof soa);
    message[9] = 1; // in authority
    struct reply reply = stage_ask_bytes(*state, (struct bytes){message, n + sizeof soa}, STAGE_TCP);
    assert_int_equal(ldns_pkt_get_rcode(reply.pkt), LDNS_RCODE_REFUSED);
    assert_int_equal(reply.n, n);
    reply_free(&reply);
}

static void types_that_are_no_records_are_not_implemented(void **state)
{
    static const uint16_t types[] = {LDNS_RR_TYPE_OPT, 249, 250, LDNS_RR_TYPE_MAILB, LDNS_RR_TYPE_MAILA};
    for (size_t i = 0; i < N_OF(types); i++) {
        const struct row rows[] = {
            {.ask = {.name = "example.org", .type = types[i]}, .head = "NOTIMP"},
            {.ask = {.name = "full.example.org", .type = types[i]}, .head = "NOTIMP"},
        };
        stage_check(*state, rows, N_OF(rows));
    }
}

static void every_opcode_but_query_is_not_implemented_and_echoed(void **state)
{
    for (unsigned opcode = 1; opcode < 16; opcode++) {
        const struct row rows[] = {
            {.ask = {.name = "example.org", .type = LDNS_RR_TYPE_SOA, .flags = QUESTION_OPCODE(opcode)},
             .head = "NOTIMP"},
            {.ask = {.name = "full.example.org", .type = TXT, .flags = QUESTION_OPCODE(opcode)}, .head = "NOTIMP"},
            {.ask = {.name = "example.com", .type = TXT, .flags = QUESTION_OPCODE(opcode)}, .head = "NOTIMP"},
        };
        for (size_t i = 0; i < N_OF(rows); i++) { // the oracle looks at the opcode; EDNS is not read here
            struct reply reply = stage_ask(*state, &rows[i].ask, STAGE_UDP);
            char *head = oracle_head(reply.pkt);
            assert_string_equal(head, rows[i].head);
            assert_int_equal(ldns_pkt_get_opcode(reply.pkt), opcode);
            assert_int_equal(ldns_pkt_qdcount(reply.pkt), 1);
            free(head);
            reply_free(&reply);
        }
    }
}

static void flags_of_an_answer_in_a_question_do_not_come_back(void **state)
{
    static const uint16_t flags[] = {0x0400, 0x0200, 0x0080, 0x0040, 0x0020, 0x0010, 0x07f0, 0x000f};
    for (size_t i = 0; i < N_OF(flags); i++) {
        const struct row row = {.ask = {.name = "full.example.org", .type = TXT, .flags = flags[i]},
                                .head = "NOERROR aa",
                                .answer = "full.example.org. 0 IN TXT \"a\"\nfull.example.org. 0 IN TXT \"b\""};
        stage_check(*state, &row, 1);
    }
}

static void chaos_tells_the_configured_version_and_nothing_else(void **state)
{
    static const struct row rows[] = {
        {.ask = {.name = "version.bind", .type = TXT, .class = CH},
         .head = "NOERROR aa",
         .answer = "version.bind. 0 CH TXT \"acmezone \\\"unit\\\"\""},
        {.ask = {.name = "version.server", .type = TXT, .class = CH},
         .head = "NOERROR aa",
         .answer = "version.server. 0 CH TXT \"acmezone \\\"unit\\\"\""},
        ASKED_AS("version.bind", LDNS_RR_TYPE_A, CH, "REFUSED"),
        ASKED_AS("version.bind", LDNS_RR_TYPE_ANY, CH, "REFUSED"),
        ASKED_AS("version.bind", TXT, IN, "REFUSED"),
        ASKED_AS("hostname.bind", TXT, CH, "REFUSED"),
        ASKED_AS("authors.bind", TXT, CH, "REFUSED"),
        ASKED_AS("x.version.bind", TXT, CH, "REFUSED"),
        ASKED_AS("version", TXT, CH, "REFUSED"),
        ASKED_AS("version.bind.example.org", TXT, CH, "REFUSED"),
    };
    stage_check(*state, rows, N_OF(rows));
}

static void chaos_without_a_configured_version_is_refused(void **)
{
    struct stage *stage = stage_open("[general]\ndomain = \"example.org\"\n");
    static const struct row rows[] = {
        ASKED_AS("version.bind", TXT, CH, "REFUSED"),
        ASKED_AS("version.server", TXT, CH, "REFUSED"),
    };
    stage_check(stage, rows, N_OF(rows));
    stage_close(stage);
}

static void every_class_but_in_is_refused_for_names_of_ours(void **state)
{
    static const uint16_t classes[] = {2, CH, 4, LDNS_RR_CLASS_NONE, LDNS_RR_CLASS_ANY, 0xffff};
    for (size_t i = 0; i < N_OF(classes); i++) {
        const struct row rows[] = {
            ASKED_AS("example.org", LDNS_RR_TYPE_SOA, classes[i], "REFUSED"),
            ASKED_AS("full.example.org", TXT, classes[i], "REFUSED"),
            ASKED_AS("missing.example.org", TXT, classes[i], "REFUSED"),
            ASKED_AS(classes[i] == CH ? "." : "version.bind", TXT, classes[i], "REFUSED"),
        };
        stage_check(*state, rows, N_OF(rows));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_gets_one_small_rrset_wherever_the_name_exists),
        cmocka_unit_test(hinfo_itself_is_a_type_like_any_other),
        cmocka_unit_test(transfers_are_refused),
        cmocka_unit_test(ixfr_with_the_serial_it_has_is_refused_too),
        cmocka_unit_test(types_that_are_no_records_are_not_implemented),
        cmocka_unit_test(every_opcode_but_query_is_not_implemented_and_echoed),
        cmocka_unit_test(flags_of_an_answer_in_a_question_do_not_come_back),
        cmocka_unit_test(chaos_tells_the_configured_version_and_nothing_else),
        cmocka_unit_test(chaos_without_a_configured_version_is_refused),
        cmocka_unit_test(every_class_but_in_is_refused_for_names_of_ours),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

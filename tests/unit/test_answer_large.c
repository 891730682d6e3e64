// SPDX-License-Identifier: MIT
// Static records in such numbers that they do not all fit: what goes first, what is missed, what is not.
#include "stage.h"

#include "expect.h"

#include <stdio.h>
#include <stdlib.h>

#define DOMAIN "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\nrecords = [\n"

// Lines of a config, made from a format that takes a number.
struct lines {
    char *text;
    size_t n;
    FILE *out;
};

static void begin(struct lines *lines)
{
    lines->out = open_memstream(&lines->text, &lines->n);
    assert_non_null(lines->out);
    fputs(DOMAIN, lines->out);
}

static struct stage *open_with(struct lines *lines)
{
    fputs("]\n", lines->out);
    assert_int_equal(fclose(lines->out), 0);
    struct stage *stage = stage_open(lines->text);
    free(lines->text);
    return stage;
}

static struct stage *open_with_glue(unsigned n)
{
    struct lines lines;
    begin(&lines);
    for (unsigned i = 0; i < n; i++)
        fprintf(lines.out,
                "'sub.example.org. NS ns%02u.sub.example.org.', 'ns%02u.sub.example.org. A 192.0.2.%u',"
                " 'ns%02u.sub.example.org. AAAA 2001:db8::%u',\n",
                i, i, i, i, i);
    return open_with(&lines);
}

static void glue_that_does_not_fit_a_referral_is_missed(void **)
{
    struct stage *stage = open_with_glue(8);
    static const struct question ask = QUESTION("www.sub.example.org", A);
    struct reply cut = stage_ask(stage, &ask, STAGE_UDP);
    assert_true(ldns_pkt_tc(cut.pkt));
    assert_int_equal(ldns_pkt_nscount(cut.pkt), 8);
    assert_in_range(ldns_pkt_arcount(cut.pkt), 1, 15);
    reply_free(&cut);
    struct reply whole = stage_ask(stage, &ask, STAGE_TCP);
    assert_false(ldns_pkt_tc(whole.pkt));
    assert_int_equal(ldns_pkt_nscount(whole.pkt), 8);
    assert_int_equal(ldns_pkt_arcount(whole.pkt), 16);
    reply_free(&whole);
    assert_int_equal(counter_value(&stage->counters, COUNT_referral), 2);
    assert_int_equal(counter_value(&stage->counters, COUNT_truncated), 1);
    stage_close(stage);
}

static void name_servers_that_do_not_fit_a_referral_are_missed(void **)
{
    struct lines lines;
    begin(&lines);
    for (unsigned i = 0; i < 16; i++)
        fprintf(lines.out, "'sub.example.org. NS name-server-number-%02u.somewhere.example.net.',\n", i);
    struct stage *stage = open_with(&lines);
    struct reply cut = stage_ask(stage, &(struct question)QUESTION("www.sub.example.org", A), STAGE_UDP);
    assert_true(ldns_pkt_tc(cut.pkt));
    assert_int_equal(ldns_pkt_nscount(cut.pkt), 0);
    reply_free(&cut);
    stage_close(stage);
}

static void thirteen_name_servers_with_two_addresses_each_have_room(void **)
{
    struct stage *stage = open_with_glue(13);
    struct reply whole = stage_ask(stage, &(struct question)QUESTION("www.sub.example.org", A), STAGE_TCP);
    assert_false(ldns_pkt_tc(whole.pkt));
    assert_int_equal(ldns_pkt_nscount(whole.pkt), 13);
    assert_int_equal(ldns_pkt_arcount(whole.pkt), 26);
    reply_free(&whole);
    stage_close(stage);
}

static void more_name_servers_than_that_still_make_a_sound_answer(void **)
{
    struct stage *stage = open_with_glue(60);
    struct reply whole = stage_ask(stage, &(struct question)QUESTION("www.sub.example.org", A), STAGE_TCP);
    assert_int_equal(ldns_pkt_nscount(whole.pkt), 60);
    assert_in_range(ldns_pkt_arcount(whole.pkt), 26, 120);
    reply_free(&whole);
    stage_close(stage);
}

// Of mere additional data what fits goes along, the rest does without TC (RFC 2181 9).
static void addresses_of_mail_servers_that_do_not_fit_are_not_missed(void **)
{
    struct lines lines;
    begin(&lines);
    for (unsigned i = 0; i < 12; i++)
        fprintf(lines.out, "'example.org. MX %u mx%02u.example.org.', 'mx%02u.example.org. AAAA 2001:db8::%u',\n", i, i,
                i, i);
    struct stage *stage = open_with(&lines);
    struct reply part = stage_ask(stage, &(struct question)QUESTION("example.org", MX), STAGE_UDP);
    assert_false(ldns_pkt_tc(part.pkt));
    assert_int_equal(ldns_pkt_ancount(part.pkt), 12);
    assert_in_range(ldns_pkt_arcount(part.pkt), 1, 11);
    reply_free(&part);
    struct reply whole = stage_ask(stage, &(struct question)QUESTION("example.org", MX), STAGE_TCP);
    assert_int_equal(ldns_pkt_arcount(whole.pkt), 12);
    reply_free(&whole);
    stage_close(stage);
}

static void a_smaller_rrset_may_fit_where_a_larger_did_not(void **)
{
    struct lines lines;
    begin(&lines);
    fputs("'example.org. MX 1 large.example.org.', 'example.org. MX 2 small.example.org.', 'small.example.org. A "
          "192.0.2.1',\n",
          lines.out);
    for (unsigned i = 0; i < 16; i++)
        fprintf(lines.out, "'large.example.org. AAAA 2001:db8::%u',\n", i);
    struct stage *stage = open_with(&lines);
    struct reply part = stage_ask(stage, &(struct question)QUESTION("example.org", MX), STAGE_UDP);
    assert_false(ldns_pkt_tc(part.pkt));
    char *additional = oracle_lines(part.pkt, LDNS_SECTION_ADDITIONAL);
    assert_string_equal(additional, "small.example.org. 3600 IN A 192.0.2.1\n");
    free(additional);
    reply_free(&part);
    stage_close(stage);
}

// Names whose TXT rrset takes about `n_bytes` of an answer.
static struct stage *open_with_texts(unsigned n)
{
    char text[251] = "";
    memset(text, 't', sizeof text - 1);
    struct lines lines;
    begin(&lines);
    for (unsigned i = 0; i < n; i++)
        fprintf(lines.out, "'big.example.org. TXT \"%04u%s\"',\n", i, text);
    return open_with(&lines);
}

static void tcp_carries_answers_up_to_the_limit_of_its_length_field(void **)
{
    struct stage *stage = open_with_texts(244); // 244 times 2 + 10 + 1 + 254 bytes
    static const struct question ask = QUESTION("big.example.org", TXT);
    struct reply whole = stage_ask(stage, &ask, STAGE_TCP);
    assert_false(ldns_pkt_tc(whole.pkt));
    assert_int_equal(ldns_pkt_ancount(whole.pkt), 244);
    assert_in_range(whole.n, 65000, 65535);
    reply_free(&whole);
    struct reply cut = stage_ask(stage, &ask, STAGE_UDP);
    assert_true(ldns_pkt_tc(cut.pkt));
    reply_free(&cut);
    stage_close(stage);
}

static void an_rrset_too_long_for_tcp_is_cut_there_too(void **)
{
    struct stage *stage = open_with_texts(250);
    struct reply cut = stage_ask(stage, &(struct question)QUESTION("big.example.org", TXT), STAGE_TCP);
    assert_true(ldns_pkt_tc(cut.pkt));
    assert_int_equal(ldns_pkt_ancount(cut.pkt), 0);
    reply_free(&cut);
    stage_close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glue_that_does_not_fit_a_referral_is_missed),
        cmocka_unit_test(name_servers_that_do_not_fit_a_referral_are_missed),
        cmocka_unit_test(thirteen_name_servers_with_two_addresses_each_have_room),
        cmocka_unit_test(more_name_servers_than_that_still_make_a_sound_answer),
        cmocka_unit_test(addresses_of_mail_servers_that_do_not_fit_are_not_missed),
        cmocka_unit_test(a_smaller_rrset_may_fit_where_a_larger_did_not),
        cmocka_unit_test(tcp_carries_answers_up_to_the_limit_of_its_length_field),
        cmocka_unit_test(an_rrset_too_long_for_tcp_is_cut_there_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

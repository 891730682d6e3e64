// SPDX-License-Identifier: MIT
// What the store lends to answers: the serial, values as they change, failures; and what is counted on the way.
#include "stage.h"

#include "expect.h"
#include "record.h"
#include "writing.h"

#include <lmdb.h>
#include <stdlib.h>

static const char CONFIG[] = "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\nrecords = [\n"
                             "  'www.example.org. A 192.0.2.1',\n"
                             "  'to.example.org. CNAME account.example.org.',\n"
                             "  'sub.example.org. NS ns.example.net.',\n"
                             "]\n";

static int open_stage(void **state)
{
    *state = stage_open(CONFIG);
    return 0;
}

static int close_stage(void **state)
{
    stage_close(*state);
    return 0;
}

static uint32_t serial(struct stage *stage)
{
    struct reply reply = stage_ask(stage, &(struct question)QUESTION("example.org", SOA), STAGE_UDP);
    uint32_t number = oracle_serial(reply.pkt, LDNS_SECTION_ANSWER);
    reply_free(&reply);
    return number;
}

static void the_serial_grows_by_one_with_each_change(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(serial(stage), 1);
    expect_ok(writing_register(stage->store, "account"));
    assert_int_equal(serial(stage), 2);
    for (uint32_t i = 0; i < 5; i++) {
        expect_ok(writing_update(stage->store, "account", i % 2 == 0 ? "even" : "odd"));
        assert_int_equal(serial(stage), 3 + i);
    }
}

static void a_refused_change_leaves_the_serial_alone(void **state)
{
    struct stage *stage = *state;
    expect_ok(writing_register(stage->store, "account"));
    uint32_t before = serial(stage);
    expect_err(writing_register(stage->store, "account"), ERR_EXISTS);
    expect_err(writing_update(stage->store, "missing", "x"), ERR_NOT_FOUND);
    assert_int_equal(serial(stage), before);
}

static void negative_answers_carry_the_same_serial(void **state)
{
    struct stage *stage = *state;
    stage_register(stage, "account", (const char *const[]){"x", "y", NULL});
    static const struct question questions[] = {QUESTION("missing.example.org", TXT),
                                                QUESTION("account.example.org", A), QUESTION("www.example.org", TXT),
                                                QUESTION("x.account.example.org", TXT)};
    for (size_t i = 0; i < N_OF(questions); i++) {
        struct reply reply = stage_ask(stage, &questions[i], STAGE_UDP);
        assert_int_equal(oracle_serial(reply.pkt, LDNS_SECTION_AUTHORITY), serial(stage));
        reply_free(&reply);
    }
}

static void a_store_that_cannot_be_read_is_servfail_but_static_names_go_on(void **state)
{
    struct stage *stage = *state;
    stage_register(stage, "account", (const char *const[]){"x", NULL});
    stage->has_no_store = true;
    static const struct {
        struct question ask;
        unsigned rcode;
    } rows[] = {
        {QUESTION("account.example.org", TXT), LDNS_RCODE_SERVFAIL},
        {QUESTION("missing.example.org", TXT), LDNS_RCODE_SERVFAIL},
        {QUESTION("x.account.example.org", TXT), LDNS_RCODE_SERVFAIL},
        {QUESTION("to.example.org", TXT), LDNS_RCODE_SERVFAIL},
        {QUESTION("www.example.org", A), LDNS_RCODE_NOERROR},
        {QUESTION("example.org", SOA), LDNS_RCODE_NOERROR},
        {QUESTION("x.sub.example.org", A), LDNS_RCODE_NOERROR},
        {QUESTION("example.com", TXT), LDNS_RCODE_REFUSED},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct reply reply = stage_ask(stage, &rows[i].ask, STAGE_UDP);
        assert_int_equal(ldns_pkt_get_rcode(reply.pkt), rows[i].rcode);
        reply_free(&reply);
    }
    assert_int_equal(counter_value(&stage->counters, COUNT_servfail), 4);
}

// The one option of an answer's OPT record, as code and value; 0 when there is none.
static uint32_t only_option(const struct reply *reply)
{
    ldns_rdf *edns = ldns_pkt_edns_data(reply->pkt);
    if (edns == NULL)
        return 0;
    assert_int_equal(ldns_rdf_size(edns), 6);
    const uint8_t *at = ldns_rdf_data(edns);
    assert_int_equal(at[2] << 8 | at[3], 2);
    return (uint32_t)(at[0] << 24 | at[1] << 16 | at[4] << 8 | at[5]);
}

#define EDNS_QUESTION(name_, type_)                                                                                    \
    {                                                                                                                  \
        .name = name_, .type = LDNS_RR_TYPE_##type_, .has_edns = true, .udp_bytes = 1232                               \
    }

// RFC 8914: option 15; 24 is Invalid Data, 14 Not Ready.
static void a_replica_that_does_not_know_says_servfail_and_why(void **state)
{
    struct stage *stage = *state;
    stage_register(stage, "account", (const char *const[]){"x", NULL});
    static const struct {
        enum store_fitness fitness;
        struct question ask;
        unsigned rcode;
        uint32_t option;
    } rows[] = {
        {STORE_STALE, EDNS_QUESTION("account.example.org", TXT), LDNS_RCODE_SERVFAIL, 15 << 16 | 24},
        {STORE_STALE, EDNS_QUESTION("missing.example.org", TXT), LDNS_RCODE_SERVFAIL, 15 << 16 | 24},
        {STORE_STALE, QUESTION("account.example.org", TXT), LDNS_RCODE_SERVFAIL, 0},
        {STORE_STALE, EDNS_QUESTION("www.example.org", A), LDNS_RCODE_NOERROR, 0},
        {STORE_STALE, EDNS_QUESTION("example.org", SOA), LDNS_RCODE_NOERROR, 0},
        {STORE_NOT_LOADED, EDNS_QUESTION("account.example.org", TXT), LDNS_RCODE_SERVFAIL, 15 << 16 | 14},
        {STORE_FIT, EDNS_QUESTION("account.example.org", TXT), LDNS_RCODE_NOERROR, 0},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        stage->fitness = rows[i].fitness;
        struct reply reply = stage_ask(stage, &rows[i].ask, STAGE_UDP);
        assert_int_equal(ldns_pkt_get_rcode(reply.pkt), rows[i].rcode);
        assert_int_equal(only_option(&reply), rows[i].option);
        reply_free(&reply);
    }
}

// --- Damage ---

// Puts a record under a subdomain behind the store's back, while it is closed.
static void put_behind_its_back(const char *directory, const char *subdomain, struct bytes record)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi values;
    MDB_val key = {strlen(subdomain), (void *)(uintptr_t)subdomain};
    uint8_t space[RECORD_MAX_BYTES];
    struct writer sealed = writer_of(space, sizeof space);
    put_bytes(&sealed, record.at, record.n);
    record_seal(&sealed, bytes_of_text(subdomain));
    MDB_val data = {writer_used(&sealed), space};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 3), 0);
    assert_int_equal(mdb_env_open(env, directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "values", 0, &values), 0);
    assert_int_equal(mdb_put(txn, values, &key, &data, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void reopen_with(struct stage *stage, const char *subdomain, struct bytes record)
{
    char path[TEMPDIR_PATH_MAX];
    const struct store_options options = {.directory = tempdir_join(&stage->dir, "data", path),
                                          .map_bytes = 1 << 20,
                                          .n_values = 2,
                                          .n_readers = 1,
                                          .log = stage->log};
    store_reader_close(stage->reader);
    store_close(stage->store);
    put_behind_its_back(path, subdomain, record);
    expect_ok(store_open(&stage->store, &options));
    expect_ok(store_reader_open(&stage->reader, stage->store));
}

// Whatever byte of a record is damaged: SERVFAIL, or an answer that is sound as a message.
static void a_damaged_record_is_servfail_and_never_a_broken_answer(void **state)
{
    struct stage *stage = *state;
    uint8_t record[256];
    struct writer w = writer_of(record, sizeof record);
    put_u8(&w, 1);
    put_u8(&w, 2);
    put_u16(&w, 12);
    put_bytes(&w, "0123456789abcdef", 16);
    put_u64(&w, 1);
    put_bytes(&w, "\0\4\3abc\0\4\3def", 12);
    put_u64(&w, 1);
    put_u64(&w, 2);
    size_t n_servfail = 0;
    for (size_t at = 0; at <= 40; at++)
        for (unsigned bit = 0; bit < 8; bit += 3) {
            if (at == 30 || at == 36)
                continue; // the length of a text within its rdata: the store does not look that deep
            uint8_t damaged[sizeof record];
            memcpy(damaged, record, sizeof record);
            damaged[at] ^= (uint8_t)(1 << bit);
            reopen_with(stage, "damaged", (struct bytes){damaged, writer_used(&w)});
            struct reply reply = stage_ask(stage, &(struct question)QUESTION("damaged.example.org", TXT), STAGE_UDP);
            assert_false(ldns_pkt_tc(reply.pkt));
            n_servfail += ldns_pkt_get_rcode(reply.pkt) == LDNS_RCODE_SERVFAIL;
            reply_free(&reply);
        }
    assert_true(n_servfail >= 3 * 8); // layout, number of values, their length, both lengths of rdata
}

// --- Counters ---

static void every_answer_is_counted_once_under_its_outcome(void **state)
{
    struct stage *stage = *state;
    stage_register(stage, "account", (const char *const[]){"x", NULL});
    static const struct {
        struct question ask;
        enum counter counted;
    } rows[] = {
        {QUESTION("account.example.org", TXT), COUNT_noerror},
        {QUESTION("account.example.org", A), COUNT_nodata},
        {QUESTION("to.example.org", TXT), COUNT_noerror},
        {QUESTION("missing.example.org", TXT), COUNT_nxdomain},
        {QUESTION("x.sub.example.org", A), COUNT_referral},
        {QUESTION("example.com", A), COUNT_refused},
        {QUESTION("example.org", MAILB), COUNT_notimp},
        {{.name = "example.org", .type = 1, .flags = QUESTION_OPCODE(5)}, COUNT_notimp},
        {{.name = "example.org", .type = 1, .has_edns = true, .version = 1}, COUNT_badvers},
        {{.name = "example.org", .type = 1, .has_edns = true, .options = {(const uint8_t *)"x", 1}}, COUNT_formerr},
        {{.name = "example.org", .type = 1, .flags = 0x8000}, COUNT_dropped},
    };
    for (size_t i = 0; i < N_OF(rows); i++) {
        memset(&stage->counters, 0, sizeof stage->counters);
        struct reply reply = stage_ask(stage, &rows[i].ask, STAGE_UDP);
        for (unsigned k = 0; k < N_COUNTERS; k++)
            assert_int_equal(counter_value(&stage->counters, k), k == rows[i].counted);
        reply_free(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_serial_grows_by_one_with_each_change, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(a_refused_change_leaves_the_serial_alone, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(negative_answers_carry_the_same_serial, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(a_replica_that_does_not_know_says_servfail_and_why, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_read_is_servfail_but_static_names_go_on, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_servfail_and_never_a_broken_answer, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(every_answer_is_counted_once_under_its_outcome, open_stage, close_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

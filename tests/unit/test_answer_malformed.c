// SPDX-License-Identifier: MIT
// Messages that no sound client sends. Each gets FORMERR or silence, or what it asks for after all; never a crash,
// never an answer that ldns would not read. The stage checks what may be dropped. Messages are written in octal: \51 is
// type OPT.
#include "stage.h"

#include "expect.h"

#include <stdlib.h>

enum { TXT = LDNS_RR_TYPE_TXT };

#define MESSAGE(text_)                                                                                                 \
    {                                                                                                                  \
        (const uint8_t *)text_, sizeof text_ - 1                                                                       \
    }
#define ONE_QUESTION "\252\125\1\0\0\1\0\0\0\0\0\0" // id, RD, QDCOUNT 1
#define OURS         "\4full\7example\3org\0"
#define TXT_IN       "\0\20\0\1"
#define LABEL_63                                                                                                       \
    "\77"                                                                                                              \
    "012345678901234567890123456789012345678901234567890123456789012"
#define LABEL_62 "01234567890123456789012345678901234567890123456789012345678901" // without its length
#define LABEL_61                                                                                                       \
    "\75"                                                                                                              \
    "0123456789012345678901234567890123456789012345678901234567890"

static const char CONFIG[] = "[general]\ndomain = \"example.org\"\nnsname = \"ns.example.net\"\n";

static int open_stage(void **state)
{
    struct stage *stage = stage_open(CONFIG);
    stage_register(stage, "full", (const char *const[]){"a", NULL});
    *state = stage;
    return 0;
}

static unsigned rcode_of(struct stage *stage, struct bytes message)
{
    struct reply reply = stage_ask_bytes(stage, message, STAGE_UDP);
    assert_non_null(reply.pkt);
    unsigned rcode = ldns_pkt_get_rcode(reply.pkt);
    reply_free(&reply);
    return rcode;
}

static void malformed_messages_are_told_so(void **state)
{
    static const struct bytes messages[] = {
        MESSAGE("\252\125\1\0\0\0\0\0\0\0\0\0"),                         // no question
        MESSAGE("\252\125\1\0\0\0\0\0\0\0\0\0" OURS TXT_IN),             // a question that is not counted
        MESSAGE("\252\125\1\0\0\2\0\0\0\0\0\0" OURS TXT_IN OURS TXT_IN), // two
        MESSAGE("\252\125\1\0\377\377\0\0\0\0\0\0" OURS TXT_IN),         // many
        MESSAGE(ONE_QUESTION),                                           // none of what is counted
        MESSAGE(ONE_QUESTION "\4full\7example\3org"),                    // a name without its root
        MESSAGE(ONE_QUESTION "\4full\7exam"),                            // half a label
        MESSAGE(ONE_QUESTION OURS),                                      // no type
        MESSAGE(ONE_QUESTION OURS "\0"),                                 // half a type
        MESSAGE(ONE_QUESTION OURS "\0\20"),                              // no class
        MESSAGE(ONE_QUESTION OURS "\0\20\0"),                            // half a class
        MESSAGE(ONE_QUESTION OURS TXT_IN "\0"),                          // a byte too many
        MESSAGE(ONE_QUESTION OURS TXT_IN OURS TXT_IN),                   // a question too many
        MESSAGE(ONE_QUESTION "\100" LABEL_63 "\7example\3org\0" TXT_IN), // 64 bytes, or another kind of label
        MESSAGE(ONE_QUESTION "\201x\7example\3org\0" TXT_IN),            // the other reserved kind of label
        MESSAGE(ONE_QUESTION "\300\14" TXT_IN),                          // a name that points to itself
        MESSAGE(ONE_QUESTION "\1x\300\14" TXT_IN),                       // a loop
        MESSAGE(ONE_QUESTION "\300\0" TXT_IN),                           // into the header
        MESSAGE(ONE_QUESTION "\300\16\4full\7example\3org\0" TXT_IN),    // forward
        MESSAGE(ONE_QUESTION "\377\377" TXT_IN),                         // far away
        MESSAGE(ONE_QUESTION "\300"),                                    // half a pointer
        MESSAGE(ONE_QUESTION LABEL_63 LABEL_63 LABEL_63 "\76" LABEL_62 "\0" TXT_IN), // 256 bytes
        MESSAGE(ONE_QUESTION LABEL_63 LABEL_63 LABEL_63 LABEL_63 "\0" TXT_IN),       // 257 bytes
        MESSAGE("\252\125\1\0\0\1\0\1\0\0\0\0" OURS TXT_IN),             // a record counted that is not there
        MESSAGE("\252\125\1\0\0\1\377\377\377\377\377\377" OURS TXT_IN), // many of them
        MESSAGE("\252\125\1\0\0\1\0\0\0\0\0\1" OURS TXT_IN "\0\0\51\4\320\0\0\0\0\0"), // OPT without all of its length
        MESSAGE("\252\125\1\0\0\1\0\0\0\0\0\1" OURS TXT_IN "\0\0\51\4\320\0\0\0\0\0\1"),   // OPT without its rdata
        MESSAGE("\252\125\1\0\0\1\0\0\0\0\0\1" OURS TXT_IN "\0\0\51\4\320\0\0\0\0\0\0\0"), // a byte behind OPT
        MESSAGE("\252\125\1\0\0\1\0\0\0\0\0\1" OURS TXT_IN "\100\0\1\0\1\0\0\0\0\0\0"), // a reserved label in an owner
        MESSAGE("\252\125\1\0\0\1\0\0\0\0\0\1" OURS TXT_IN "\300"),                     // half a pointer in an owner
    };
    for (size_t i = 0; i < N_OF(messages); i++)
        if (rcode_of(*state, messages[i]) != LDNS_RCODE_FORMERR)
            fail_msg("message %zu is taken for a sound one", i);
}

static void what_is_no_query_is_dropped(void **state)
{
    static const struct bytes messages[] = {
        MESSAGE(""),
        MESSAGE("\252"),
        MESSAGE("\252\125\1\0\0\1\0\0\0\0\0"),
        MESSAGE("\252\125\200\0\0\0\0\0\0\0\0\0"),
        MESSAGE("\252\125\204\0\0\1\0\0\0\0\0\0" OURS TXT_IN),
        MESSAGE("\252\125\250\0\0\1\0\0\0\0\0\0" OURS TXT_IN),
        MESSAGE("\252\125\377\377\377\377\377\377\377\377\377\377" OURS TXT_IN),
    };
    for (size_t i = 0; i < N_OF(messages); i++) {
        struct reply reply = stage_ask_bytes(*state, messages[i], STAGE_UDP);
        assert_int_equal(reply.n, 0);
        reply_free(&reply);
    }
}

// The opcode is looked at first: their questions look otherwise.
static void another_opcode_is_not_implemented_however_the_rest_looks(void **state)
{
    static const struct bytes messages[] = {
        MESSAGE("\252\125\10\0\0\0\0\1\0\0\0\0\0\0\1\0\1\0\0\0\0\0\4\300\0\2\1"), // IQUERY, RFC 1035 6.4
        MESSAGE("\252\125\20\0\0\0\0\0\0\0\0\0"),                                 // STATUS
        MESSAGE("\252\125\44\0\0\1\0\0\0\0\0\0\7example\3org\0\0\6\0\1"),         // NOTIFY, with AA
        MESSAGE("\252\125\50\0\0\1\0\0\0\1\0\0\7example\3org\0\0\6\0\1" OURS "\0\20\0\377\0\0\0\0\0\0"), // UPDATE
        MESSAGE("\252\125\50\0\0\1\0\0\0\1\0\0\7example\3org\0\0\6\0\1"),                                // cut short
        MESSAGE("\252\125\60\0\0\2\0\0\0\0\0\0" OURS), // DSO, malformed
        MESSAGE("\252\125\170\0\377\377\377\377\377\377\377\377\377"),
    };
    for (size_t i = 0; i < N_OF(messages); i++)
        assert_int_equal(rcode_of(*state, messages[i]), LDNS_RCODE_NOTIMPL);
}

static void the_longest_name_and_the_most_labels_are_sound(void **state)
{
    static const struct bytes longest = MESSAGE(ONE_QUESTION LABEL_63 LABEL_63 LABEL_63 LABEL_61 "\0" TXT_IN);
    assert_int_equal(longest.n, HEADER_BYTES + 255 + 4);
    assert_int_equal(rcode_of(*state, longest), LDNS_RCODE_REFUSED);

    uint8_t message[HEADER_BYTES + 255 + 4] = ONE_QUESTION;
    for (size_t i = 0; i < 127; i++)
        memcpy(message + HEADER_BYTES + 2 * i, "\1x", 2);
    memcpy(message + HEADER_BYTES + 254, "\0" TXT_IN, 5);
    assert_int_equal(rcode_of(*state, (struct bytes){message, sizeof message}), LDNS_RCODE_REFUSED);

    memcpy(message + HEADER_BYTES + 242, "\7example\3org\0" TXT_IN, 17); // the same within our zone
    assert_int_equal(rcode_of(*state, (struct bytes){message, sizeof message}), LDNS_RCODE_NXDOMAIN);
}

// --- Every place, every cut ---

// Three sound messages with all that one can hold.
static const struct bytes SOUND[] = {
    MESSAGE("\252\125\1\0\0\1\0\0\0\0\0\0" OURS TXT_IN),
    MESSAGE("\252\125\1\20\0\1\0\0\0\0\0\1" OURS TXT_IN "\0\0\51\20\0\0\0\200\0\0\12\0\3\0\0\0\12\0\2xy"),
    MESSAGE("\252\125\0\0\0\1\0\1\0\1\0\2\3_sv\300\14\300\14\0\1\0\1\0\0\0\0\0\4\1\2\3\4"),
    MESSAGE("\252\125\0\0\0\1\0\1\0\1\0\2\7example\3org\0\0\6\0\1" // SOA, and a record in each section
            "\300\14\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
            "\1x\300\14\0\20\0\1\0\0\0\1\0\2\1y"
            "\0\0\51\2\0\0\0\0\0\0\0"
            "\0\0\372\0\377\0\0\0\0\0\3abc"),
};

static void a_message_cut_anywhere_is_malformed_or_too_short(void **state)
{
    for (size_t i = 0; i < N_OF(SOUND); i++)
        for (size_t n = 0; n < SOUND[i].n; n++) {
            struct reply reply = stage_ask_bytes(*state, (struct bytes){SOUND[i].at, n}, STAGE_UDP);
            if (reply.n != 0)
                assert_int_equal(ldns_pkt_get_rcode(reply.pkt), LDNS_RCODE_FORMERR);
            reply_free(&reply);
        }
}

static void a_message_with_anything_behind_it_is_malformed(void **state)
{
    uint8_t message[512];
    for (size_t i = 0; i < N_OF(SOUND); i++)
        for (size_t n = 1; n < 40; n++) {
            memset(message, (int)n, sizeof message);
            memcpy(message, SOUND[i].at, SOUND[i].n);
            assert_int_equal(rcode_of(*state, (struct bytes){message, SOUND[i].n + n}), LDNS_RCODE_FORMERR);
        }
}

static void no_single_byte_breaks_anything(void **state)
{
    static const uint8_t values[] = {0, 1, 2, 11, 12, 13, 41, 63, 64, 65, 127, 128, 191, 192, 193, 254, 255};
    static const struct transport transports[] = {STAGE_UDP, STAGE_TCP};
    uint8_t message[512];
    for (size_t i = 0; i < N_OF(SOUND); i++)
        for (size_t at = 0; at < SOUND[i].n; at++)
            for (size_t k = 0; k < N_OF(values) + 8; k++) {
                memcpy(message, SOUND[i].at, SOUND[i].n);
                message[at] = (uint8_t)(k < N_OF(values) ? values[k] : message[at] ^ 1 << (k - N_OF(values)));
                struct bytes view = {message, SOUND[i].n};
                struct reply reply = stage_ask_bytes(*state, view, transports[k % 2]);
                reply_free(&reply);
            }
}

static void no_two_bytes_of_the_question_break_anything(void **state)
{
    static const uint8_t values[] = {0, 1, 63, 64, 192, 255};
    uint8_t message[64];
    const struct bytes sound = SOUND[0];
    for (size_t first = 0; first < sound.n; first++)
        for (size_t second = first + 1; second < sound.n; second++)
            for (size_t k = 0; k < N_OF(values) * N_OF(values); k++) {
                memcpy(message, sound.at, sound.n);
                message[first] = values[k / N_OF(values)];
                message[second] = values[k % N_OF(values)];
                struct reply reply = stage_ask_bytes(*state, (struct bytes){message, sound.n}, STAGE_UDP);
                reply_free(&reply);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_messages_are_told_so),
        cmocka_unit_test(what_is_no_query_is_dropped),
        cmocka_unit_test(another_opcode_is_not_implemented_however_the_rest_looks),
        cmocka_unit_test(the_longest_name_and_the_most_labels_are_sound),
        cmocka_unit_test(a_message_cut_anywhere_is_malformed_or_too_short),
        cmocka_unit_test(a_message_with_anything_behind_it_is_malformed),
        cmocka_unit_test(no_single_byte_breaks_anything),
        cmocka_unit_test(no_two_bytes_of_the_question_break_anything),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_teardown);
}

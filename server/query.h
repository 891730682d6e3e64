// SPDX-License-Identifier: MIT
// query: from the bytes of a message to what is asked. No socket, no heap; any thread.
#pragma once

#include "edns.h"
#include "name.h"

// What is to be done with a message, and why.
enum query_fate {
    QUERY_ANSWER,  // sound: find the answer
    QUERY_COOKIE,  // no question, but a cookie (RFC 7873 5.4)
    QUERY_DROP,    // shorter than a header, or itself an answer: say nothing
    QUERY_FORMERR, // malformed
    QUERY_NOTIMP,  // an opcode other than QUERY
    QUERY_BADVERS  // an EDNS version other than 0
};

struct query {
    uint16_t flags;      // of the header, as they came
    uint16_t n_question; // bytes of the header and of the question; of the header alone when there is no sound question
    uint16_t qtype;
    uint16_t qclass;
    bool has_question;
    bool has_edns;
    bool is_do;                         // DNSSEC OK (RFC 3225)
    uint16_t udp_bytes;                 // what the client can receive over UDP: 512 or what EDNS says
    struct edns_asked asked;            // in the options of EDNS
    uint8_t n_labels;                   // of the qname, without the root
    uint8_t n_qname;                    // bytes of the qname in wire form
    uint8_t label[NAME_MAX_LABELS + 1]; // where each label begins in qname; then where the root does
    uint8_t qname[NAME_MAX_BYTES];      // folded
};

// Reads the message. `query` is filled as far as the message was sound; with QUERY_DROP it is not.
enum query_fate query_parse(struct query *query, struct bytes message);

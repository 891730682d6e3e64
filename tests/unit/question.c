// SPDX-License-Identifier: MIT
// ldns turns the name's text into labels; the rest is a dozen numbers.
#include "question.h"

#include "expect.h"

#include <ctype.h>

static void put_name(struct writer *w, const char *text)
{
    ldns_rdf *name = ldns_dname_new_frm_str(text);
    if (name == NULL)
        fail_msg("\"%s\" is no name", text);
    put_bytes(w, ldns_rdf_data(name), ldns_rdf_size(name));
    ldns_rdf_deep_free(name);
}

static void put_edns(struct writer *w, const struct question *question)
{
    put_u8(w, 0);
    put_u16(w, LDNS_RR_TYPE_OPT);
    put_u16(w, question->udp_bytes);
    put_u8(w, 0);
    put_u8(w, question->version);
    put_u16(w, question->is_do ? 0x8000 : 0);
    put_u16(w, (unsigned)question->options.n);
    put_bytes(w, question->options.at, question->options.n);
}

size_t question_write(const struct question *question, uint8_t out[static QUESTION_MAX_BYTES])
{
    static _Thread_local uint16_t id = 0x1234;
    struct writer w = writer_of(out, QUESTION_MAX_BYTES);
    put_u16(&w, id);
    id++;
    put_u16(&w, question->flags);
    put_u16(&w, 1);
    put_u32(&w, 0);
    put_u16(&w, question->has_edns ? 1 : 0);
    put_name(&w, question->name);
    put_u16(&w, question->type);
    put_u16(&w, question->class == 0 ? LDNS_RR_CLASS_IN : question->class);
    if (question->has_edns)
        put_edns(&w, question);
    assert_false(w.is_bad);
    return writer_used(&w);
}

const char *question_flip_case(const char *name, char out[static QUESTION_MAX_BYTES])
{
    size_t n = strlen(name);
    assert_true(n < QUESTION_MAX_BYTES);
    for (size_t i = 0; i <= n; i++) {
        unsigned char c = (unsigned char)name[i];
        out[i] = (char)(isupper(c) ? tolower(c) : toupper(c));
    }
    return out;
}

// SPDX-License-Identifier: MIT
// One question is written out as a whole; the others differ from it only in the label.
#include "question.h"

#include "population.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 12, LABEL_AT = HEADER_BYTES + 1, LABEL_BYTES = 36 };

// RFC 1035 4.1.1 and 4.1.2; OPT with room for 1232 bytes (RFC 6891 6.1.2).
static const char model[QUESTION_BYTES + 1] = "\0\0\0\0\0\1\0\0\0\0\0\1"
                                              "\x24------------------------------------"
                                              "\4auth\7example\3org\0\0\x10\0\1"
                                              "\0\0\x29\x04\xd0\0\0\0\0\0\0";

void questions_make(struct questions *questions, size_t n, uint64_t n_accounts)
{
    questions->at = calloc(n, QUESTION_BYTES);
    questions->n = n;
    questions->next = 0;
    if (questions->at == NULL) {
        perror("questions");
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t random = population_mix(i);
        struct uuid name =
            random % 10 == 0 ? population_stranger(i) : population_subdomain(random / 10 % n_accounts, n_accounts);
        char text[UUID_TEXT_SIZE];
        uuid_write(&name, text);
        memcpy(questions->at[i], model, QUESTION_BYTES);
        memcpy(questions->at[i] + LABEL_AT, text, LABEL_BYTES);
    }
}

void questions_take(struct questions *questions, uint16_t id, uint8_t out[QUESTION_BYTES])
{
    memcpy(out, questions->at[questions->next], QUESTION_BYTES);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    questions->next = questions->next + 1 == questions->n ? 0 : questions->next + 1;
}

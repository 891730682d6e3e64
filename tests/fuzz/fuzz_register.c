// SPDX-License-Identifier: MIT
// The body of /register. What is taken out of it are networks in canonical form; written into an answer and read back
// as a request they are the same.
#include "account.h"
#include "body.h"
#include "cidr.h"
#include "fuzz.h"

#include <jansson.h>

static void check_networks(struct bytes allowfrom)
{
    struct reader list = reader_of(allowfrom.at, allowfrom.n);
    struct bytes text;
    while (account_next_text(&list, &text)) {
        struct cidr cidr;
        char written[CIDR_TEXT_MAX];
        require(cidr_parse(text, &cidr) == ERR_OK, "an entry is no network");
        require(bytes_equal(text, bytes_of_text(cidr_write(cidr, written))), "an entry is not canonical");
    }
    require(reader_is_done(&list), "the list is not whole");
}

static void check_answer(struct bytes allowfrom)
{
    struct body_register again = {0};
    const struct body_account account = {"name", "password", "fulldomain", "subdomain", allowfrom};
    char *text = body_write_account(&account);
    require(text != NULL && text[0] == '{' && strchr(text, '\n') == NULL, "no object on one line");
    require(body_parse_register(bytes_of_text(text), &again) == ERR_OK, "the answer does not parse as a request");
    require(bytes_equal(allowfrom, (struct bytes){again.allowfrom, again.n_allowfrom}), "other networks read back");
    free(again.allowfrom);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct body_register registration = {0};
    uint8_t *copy = fuzz_copy((struct bytes){data, n});
    enum err err = body_parse_register((struct bytes){copy, n}, &registration);
    free(copy);
    if (err != ERR_OK) {
        require(err == ERR_JSON || err == ERR_CIDR, "an error that nobody expects");
        require(registration.allowfrom == NULL, "a failure left something behind");
        return 0;
    }
    struct bytes allowfrom = {registration.allowfrom, registration.n_allowfrom};
    check_networks(allowfrom);
    check_answer(allowfrom);
    free(registration.allowfrom);
    return 0;
}

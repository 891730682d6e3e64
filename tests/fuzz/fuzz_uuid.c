// SPDX-License-Identifier: MIT
// A user name, and a value for TXT, in every spelling. A UUID reads back from what is written of it; a value is taken
// in a body exactly when it is 43 characters of base64url.
#include "auth.h"
#include "body.h"
#include "fuzz.h"
#include "uuid.h"

#include <ctype.h>
#include <jansson.h>

static void check_uuid(struct bytes text)
{
    struct uuid uuid, again;
    char written[UUID_TEXT_SIZE];
    if (uuid_parse(text, &uuid) != ERR_OK)
        return;
    uuid_write(&uuid, written);
    require(strlen(written) == UUID_TEXT_SIZE - 1, "not 36 characters");
    require(uuid_parse(bytes_of_text(written), &again) == ERR_OK, "what is written does not parse");
    require(memcmp(uuid.at, again.at, sizeof uuid.at) == 0, "another UUID reads back");
    size_t n_digits = 0;
    for (size_t i = 0; i < text.n; i++)
        n_digits += isxdigit(text.at[i]) != 0;
    require(n_digits >= 32, "not 32 digits");
}

static bool is_value(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!isalnum(text.at[i]) && text.at[i] != '-' && text.at[i] != '_')
            return false;
    return text.n == BODY_TXT_CHARS;
}

static void check_value(struct bytes text)
{
    json_t *body = json_pack("{s:o}", "txt", json_stringn_nocheck((const char *)text.at, text.n));
    char *written = json_dumps(body, JSON_ENSURE_ASCII);
    struct body_update update;
    struct body_update_result result;
    if (written != NULL && body_parse_update(bytes_of_text(written), &update, &result) == ERR_OK) {
        require((result.txt == ERR_OK) == is_value(text), "taken or refused wrongly");
        require(result.txt != ERR_OK || memcmp(update.txt, text.at, text.n) == 0, "another value");
        require(result.subdomain == ERR_SUBDOMAIN, "a subdomain from nowhere");
    } else {
        require(!is_value(text), "a value is lost");
    }
    free(written);
    json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy((struct bytes){data, n});
    check_uuid((struct bytes){copy, n});
    check_value((struct bytes){copy, n});
    free(copy);
    return 0;
}

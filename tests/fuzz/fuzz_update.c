// SPDX-License-Identifier: MIT
// The body of /update. A subdomain that is taken is a UUID as we write it; a value is 43 characters of base64url;
// written into a body and read again both are the same.
#include "body.h"
#include "fuzz.h"
#include "uuid.h"

static void check_again(const struct body_update *update)
{
    char body[160];
    struct body_update again;
    struct body_update_result result;
    snprintf(body, sizeof body, "{\"Txt\":\"%s\",\"SUBDOMAIN\":\"%s\"}", update->txt, update->subdomain);
    require(body_parse_update(bytes_of_text(body), &again, &result) == ERR_OK, "what is written does not parse");
    require(result.subdomain == ERR_OK && result.txt == ERR_OK, "what is written is refused");
    require(strcmp(again.subdomain, update->subdomain) == 0 && strcmp(again.txt, update->txt) == 0, "not the same");
}

static void check_subdomain(const char *subdomain)
{
    struct uuid uuid;
    char written[UUID_TEXT_SIZE];
    require(strlen(subdomain) == UUID_TEXT_SIZE - 1, "not 36 characters");
    require(uuid_parse(bytes_of_text(subdomain), &uuid) == ERR_OK, "no UUID");
    uuid_write(&uuid, written);
    require(strcmp(written, subdomain) == 0, "not as we write it");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct body_update update = {0};
    struct body_update_result result;
    uint8_t *copy = fuzz_copy((struct bytes){data, n});
    enum err err = body_parse_update((struct bytes){copy, n}, &update, &result);
    free(copy);
    if (err != ERR_OK) {
        require(err == ERR_JSON, "an error that nobody expects");
        return 0;
    }
    require(result.subdomain == ERR_OK || result.subdomain == ERR_SUBDOMAIN, "an error that nobody expects");
    require(result.txt == ERR_OK || result.txt == ERR_TXT, "an error that nobody expects");
    if (result.subdomain == ERR_OK)
        check_subdomain(update.subdomain);
    if (result.txt == ERR_OK)
        require(strspn(update.txt, letters) == BODY_TXT_CHARS && update.txt[BODY_TXT_CHARS] == '\0', "no such value");
    if (result.subdomain == ERR_OK && result.txt == ERR_OK)
        check_again(&update);
    return 0;
}

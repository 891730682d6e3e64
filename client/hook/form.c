// SPDX-License-Identifier: MIT
// A table of first words. The client's own name never matters, as no two of them use one word for different things;
// certbot alone uses none, and says everything in its environment.
//
// Words that need no action are listed too. dehydrated calls its hook for everything it does, and asks that words from
// its later versions be passed over; they all have an underscore. Any other unknown word is a mistake and is refused.
#include "form.h"

#include <ctype.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char FORM_HELP[] =
    "  (no words)                              certbot: --manual-auth-hook and --manual-cleanup-hook\n"
    "  deploy_challenge DOMAIN TOKEN VALUE ... dehydrated, also with HOOK_CHAIN=yes\n"
    "  present NAME VALUE, cleanup NAME VALUE  lego: --dns exec; also with EXEC_MODE=RAW\n"
    "  begin dns-01 DOMAIN TOKEN VALUE         uacme: -h\n"
    "  add NAME VALUE, rm NAME VALUE           acme.sh: from a dns_*_add and dns_*_rm\n"
    "  publish NAME VALUE ...                  anything else\n"
    "  register NAME ...                       only get the accounts, and print the CNAME records to create\n"
    "  test NAME ...                           go through everything with a random value, and take it back\n";

struct speech {
    int n;
    char *const *words; // behind the first
};

static enum err put(struct form *form, const char *domain, const char *value, const char **why)
{
    static const char label[] = "_acme-challenge.";
    if (strncasecmp(domain, label, sizeof label - 1) == 0)
        domain += sizeof label - 1;
    if (strncmp(domain, "*.", 2) == 0)
        domain += 2;
    size_t n = strlen(domain);
    if (n > 0 && domain[n - 1] == '.')
        n--;
    *why = "that is no domain name";
    if (n == 0 || n > FORM_DOMAIN_MAX || form->n_challenges == FORM_CHALLENGES_MAX)
        return ERR_SYNTAX;
    struct challenge *challenge = &form->challenges[form->n_challenges];
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)domain[i]) && strchr("-_.", domain[i]) == NULL)
            return ERR_SYNTAX;
        challenge->domain[i] = (char)tolower((unsigned char)domain[i]);
    }
    challenge->domain[n] = '\0';
    *why = "the value is not the 43 characters of a dns-01 challenge";
    if (value[0] != '\0' && strlen(value) != FORM_VALUE_CHARS)
        return ERR_SYNTAX;
    for (const char *at = value; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
            return ERR_SYNTAX;
    memcpy(challenge->value, value, strlen(value) + 1);
    form->n_challenges++;
    return ERR_OK;
}

// RFC 8555, 8.4: the value is the SHA-256 of the key authorization, in base64url without padding.
static void value_of(const char *key_authorization, char value[FORM_VALUE_CHARS + 1])
{
    struct sha256_ctx sha;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char encoded[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE)];
    sha256_init(&sha);
    sha256_update(&sha, strlen(key_authorization), (const uint8_t *)key_authorization);
    sha256_digest(&sha, sizeof digest, digest);
    base64_encode_raw(encoded, sizeof digest, digest);
    for (size_t i = 0; i < FORM_VALUE_CHARS; i++)
        value[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
    value[FORM_VALUE_CHARS] = '\0';
}

// DOMAIN TOKEN VALUE, once or for all names.
static enum err read_dehydrated(struct form *form, struct speech said, const char **why)
{
    *why = "deploy_challenge takes DOMAIN TOKEN VALUE";
    if (said.n == 0 || said.n % 3 != 0)
        return ERR_SYNTAX;
    enum err err = ERR_OK;
    for (int i = 0; i < said.n && err == ERR_OK; i += 3)
        err = put(form, said.words[i], said.words[i + 2], why);
    return err;
}

static enum err read_pairs(struct form *form, struct speech said, const char **why)
{
    *why = "wanted: NAME VALUE";
    if (said.n == 0 || said.n % 2 != 0)
        return ERR_SYNTAX;
    enum err err = ERR_OK;
    for (int i = 0; i < said.n && err == ERR_OK; i += 2)
        err = put(form, said.words[i], said.words[i + 1], why);
    return err;
}

// NAME VALUE, from older versions with a TTL behind; or, with EXEC_MODE=RAW, "--" DOMAIN TOKEN KEYAUTH.
static enum err read_lego(struct form *form, struct speech said, const char **why)
{
    if (said.n == 0 || strcmp(said.words[0], "--") != 0)
        return read_pairs(form, (struct speech){said.n == 3 ? 2 : said.n, said.words}, why);
    *why = "wanted: -- DOMAIN TOKEN KEYAUTH";
    if (said.n != 4)
        return ERR_SYNTAX;
    char value[FORM_VALUE_CHARS + 1];
    value_of(said.words[3], value);
    return put(form, said.words[1], value, why);
}

// TYPE DOMAIN TOKEN VALUE
static enum err read_uacme(struct form *form, struct speech said, const char **why)
{
    *why = "begin takes dns-01 DOMAIN TOKEN VALUE";
    if (said.n < 1)
        return ERR_SYNTAX;
    if (strcmp(said.words[0], "dns-01") != 0) {
        form->act = FORM_DECLINE;
        return ERR_OK;
    }
    return said.n != 4 ? ERR_SYNTAX : put(form, said.words[1], said.words[3], why);
}

static enum err read_names(struct form *form, struct speech said, const char **why)
{
    *why = "wanted: NAME ...";
    enum err err = said.n == 0 ? ERR_SYNTAX : ERR_OK;
    for (int i = 0; i < said.n && err == ERR_OK; i++)
        err = put(form, said.words[i], "", why);
    return err;
}

static enum err read_register(struct form *form, struct speech said, const char **why)
{
    form->act = FORM_REGISTER;
    return read_names(form, said, why);
}

static enum err read_test(struct form *form, struct speech said, const char **why)
{
    form->act = FORM_TEST;
    return read_names(form, said, why);
}

static enum err read_nothing(struct form *form, struct speech, const char **)
{
    form->act = FORM_NOTHING;
    return ERR_OK;
}

static const struct {
    const char *word;
    enum err (*read)(struct form *form, struct speech said, const char **why);
} forms[] = {
    {"publish", read_pairs},     {"add", read_pairs},       {"rm", read_nothing},
    {"present", read_lego},      {"cleanup", read_nothing}, {"begin", read_uacme},
    {"done", read_nothing},      {"failed", read_nothing},  {"deploy_challenge", read_dehydrated},
    {"register", read_register}, {"test", read_test},
};

// certbot names the hook of either kind in the same way; only the second is told what the first has printed.
static enum err read_certbot(struct form *form, const char **why)
{
    const char *domain = getenv("CERTBOT_DOMAIN"), *value = getenv("CERTBOT_VALIDATION");
    *why = "what is to be done? (certbot would say it in CERTBOT_DOMAIN and CERTBOT_VALIDATION)";
    if (domain == NULL || value == NULL)
        return ERR_SYNTAX;
    if (getenv("CERTBOT_AUTH_OUTPUT") != NULL)
        form->act = FORM_NOTHING;
    return put(form, domain, value, why);
}

enum err form_read(struct form *form, int n_words, char *const *words, const char **why)
{
    *form = (struct form){.act = FORM_PUBLISH};
    if (n_words == 0)
        return read_certbot(form, why);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(words[0], forms[i].word) == 0)
            return forms[i].read(form, (struct speech){n_words - 1, words + 1}, why);
    if (strchr(words[0], '_') != NULL)
        return read_nothing(form, (struct speech){0}, why);
    *why = "no ACME client says this to its hook";
    return ERR_SYNTAX;
}

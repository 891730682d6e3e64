// SPDX-License-Identifier: MIT
// What POST /register does, without asking anybody's leave.
#include "account_options.h"
#include "body.h"
#include "reserved.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FULLDOMAIN_MAX = 320 };

static enum err check_reserved(const struct guest *guest, const char *subdomain)
{
    struct zones *zones;
    enum err err = zones_new(&zones, guest->conf, guest->log);
    if (err != ERR_OK)
        return err;
    bool is_reserved = reserved_has(zones, bytes_of_text(subdomain));
    zones_drop(zones);
    return is_reserved ? ERR_RESERVED : ERR_OK;
}

static enum err choose_subdomain(const struct guest *guest, const struct account_options *options,
                                 char subdomain[SUBDOMAIN_MAX + 1])
{
    if (options->subdomain == NULL) {
        const struct uuid random = uuid_random();
        uuid_write(&random, subdomain);
        return ERR_OK;
    }
    enum err err = account_parse_subdomain(bytes_of_text(options->subdomain), subdomain);
    return err == ERR_OK ? check_reserved(guest, subdomain) : err;
}

// The password is told only here.
static int print_account(const struct guest *guest, const struct account *account, const char *password, bool is_json)
{
    char username[UUID_TEXT_SIZE], subdomain[SUBDOMAIN_MAX + 1] = {0}, fulldomain[FULLDOMAIN_MAX];
    uuid_write(&account->username, username);
    memcpy(subdomain, account->subdomain.at, account->subdomain.n);
    snprintf(fulldomain, sizeof fulldomain, "%s.%s", subdomain, guest->conf->general_domain.at[0]);
    if (!is_json) {
        printf("username    %s\npassword    %s\nsubdomain   %s\nfulldomain  %s\n\n", username, password, subdomain,
               fulldomain);
        printf("To be written once, at the provider of each domain:\n_acme-challenge.DOMAIN. CNAME %s.\n", fulldomain);
        return account_print_end();
    }
    char *text =
        body_write_account(&(struct body_account){username, password, fulldomain, subdomain, account->allowfrom});
    if (text == NULL) {
        account_tell("the account is made, but its password cannot be printed; rotate it", ERR_MEMORY);
        return EXIT_REFUSED;
    }
    puts(text);
    explicit_bzero(text, strlen(text));
    free(text);
    return account_print_end();
}

static struct secret_cost cost_of(const struct conf *conf)
{
    return (struct secret_cost){(uint32_t)conf->api_argon2_memory_kib, (uint32_t)conf->api_argon2_passes,
                                (uint32_t)conf->api_argon2_lanes};
}

int account_create(struct guest *guest, const struct account_options *options)
{
    char subdomain[SUBDOMAIN_MAX + 1], password[SECRET_PASSWORD_CHARS + 1], hash[SECRET_HASH_MAX];
    const struct secret_cost cost = cost_of(guest->conf);
    struct bytes allowfrom;
    const struct bytes note = bytes_of_text(options->note == NULL ? "" : options->note);
    if (account_read_networks(options->networks, options->n_networks, &allowfrom) != ERR_OK)
        return EXIT_USAGE;
    enum err err = choose_subdomain(guest, options, subdomain);
    if (err == ERR_OK)
        err = account_check_note(note);
    secret_password(password);
    if (err == ERR_OK)
        err = secret_hash(&cost, bytes_of_text(password), hash);
    struct change change = {.kind = CHANGE_REGISTER};
    if (err == ERR_OK) {
        change.account = (struct account){.username = uuid_random(),
                                          .subdomain = bytes_of_text(subdomain),
                                          .hash = bytes_of_text(hash),
                                          .allowfrom = allowfrom,
                                          .note = note,
                                          .created_s = (uint64_t)time(NULL)};
        err = guest_change(guest, &change);
        account_audit(guest, "register", &change.account, err);
    }
    int status = EXIT_REFUSED;
    if (err == ERR_OK)
        status = print_account(guest, &change.account, password, options->is_json);
    else
        account_tell(options->subdomain == NULL ? "create" : options->subdomain, err);
    explicit_bzero(password, sizeof password);
    free((void *)(uintptr_t)allowfrom.at);
    return status;
}

int account_rotate(struct guest *guest, const struct account_options *options)
{
    struct account_found found;
    char password[SECRET_PASSWORD_CHARS + 1], hash[SECRET_HASH_MAX];
    const struct secret_cost cost = cost_of(guest->conf);
    if (account_find(guest, options->words[0], &found) != ERR_OK)
        return EXIT_REFUSED;
    secret_password(password);
    enum err err = secret_hash(&cost, bytes_of_text(password), hash);
    if (err == ERR_OK) {
        struct change change = {.kind = CHANGE_ACCOUNT, .account = found.account, .before = &found.account};
        change.account.hash = bytes_of_text(hash);
        err = guest_change(guest, &change);
        account_audit(guest, "rotate", &found.account, err);
    }
    int status = EXIT_REFUSED;
    if (err == ERR_OK)
        status = print_account(guest, &found.account, password, options->is_json);
    else
        account_tell(options->words[0], err);
    explicit_bzero(password, sizeof password);
    account_found_free(&found);
    return status;
}

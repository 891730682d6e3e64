// SPDX-License-Identifier: MIT
// People know an account by whatever they have at hand: its username, its subdomain, or the name that a CNAME points
// to. Both of the first two usually are UUIDs, so a word is tried as the one and then as the other.
#include "account_options.h"
#include "audit.h"
#include "cidr.h"
#include "name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

void account_tell(const char *what, enum err err)
{
    fprintf(stderr, "acmezone: error: %s: %s\n", what, err_text(err));
}

int account_print_end(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "acmezone: error: standard output: %s\n", strerror(errno));
    return EXIT_REFUSED;
}

void account_audit(const struct guest *guest, const char *act, const struct account *account, enum err result)
{
    const char *file = guest->conf->audit_file;
    char username[UUID_TEXT_SIZE], subdomain[SUBDOMAIN_MAX + 1] = {0};
    struct audit *audit;
    if (!guest->conf->audit_enabled || file[0] == '\0' || access(file, F_OK) != 0)
        return;
    enum err err = audit_open(&audit, file, guest->log);
    if (err != ERR_OK) {
        account_tell(file, err);
        return;
    }
    uuid_write(&account->username, username);
    memcpy(subdomain, account->subdomain.at, account->subdomain.n);
    audit_note(audit,
               &(struct audit_act){
                   .act = act, .result = result, .actor = "operator", .account = username, .subdomain = subdomain});
    audit_close(audit);
}

// "sub.auth.example.org." is "sub".
static struct bytes first_label(const struct conf *conf, struct bytes word)
{
    if (word.n > 0 && word.at[word.n - 1] == '.')
        word.n--;
    for (size_t i = 0; i < conf->general_domain.n; i++) {
        size_t n = strlen(conf->general_domain.at[i]);
        if (word.n > n + 1 && word.at[word.n - n - 1] == '.' &&
            strncasecmp((const char *)word.at + word.n - n, conf->general_domain.at[i], n) == 0)
            return (struct bytes){word.at, word.n - n - 1};
    }
    return word;
}

static enum err find_by_subdomain(struct guest *guest, struct bytes word, struct account *account)
{
    uint8_t folded[SUBDOMAIN_MAX];
    struct bytes label = first_label(guest->conf, word);
    struct txt txt;
    if (label.n == 0 || label.n > sizeof folded)
        return ERR_NOT_FOUND;
    for (size_t i = 0; i < label.n; i++)
        folded[i] = name_fold(label.at[i]);
    enum err err = store_find_txt(guest->reader, (struct bytes){folded, label.n}, &txt);
    return err == ERR_OK ? store_find_account(guest->reader, &txt.username, account) : err;
}

enum err account_find(struct guest *guest, const char *word, struct account_found *found)
{
    struct account account;
    struct uuid username;
    enum err err = store_begin(guest->reader);
    if (err == ERR_OK) {
        err = ERR_NOT_FOUND;
        if (uuid_parse(bytes_of_text(word), &username) == ERR_OK)
            err = store_find_account(guest->reader, &username, &account);
        if (err == ERR_NOT_FOUND)
            err = find_by_subdomain(guest, bytes_of_text(word), &account);
        if (err == ERR_OK)
            err = account_copy(&account, &found->account, &found->bytes);
        store_end(guest->reader);
    }
    if (err == ERR_NOT_FOUND)
        fprintf(stderr, "acmezone: error: %s: there is no such account\n", word);
    else if (err != ERR_OK)
        account_tell(word, err);
    return err;
}

void account_found_free(struct account_found *found)
{
    free(found->bytes);
}

enum err account_read_networks(const char *const *texts, size_t n, struct bytes *allowfrom)
{
    size_t n_space = n * (1 + CIDR_TEXT_MAX);
    uint8_t *space = malloc(n_space + 1);
    if (space == NULL) {
        account_tell("allowfrom", ERR_MEMORY);
        return ERR_MEMORY;
    }
    struct writer w = writer_of(space, n_space);
    for (size_t i = 0; i < n; i++) {
        struct cidr cidr;
        char text[CIDR_TEXT_MAX];
        if (cidr_parse(bytes_of_text(texts[i]), &cidr) != ERR_OK) {
            fprintf(stderr, "acmezone: error: %s is not a network, such as 192.0.2.0/24 or 2001:db8::/32\n", texts[i]);
            free(space);
            return ERR_CIDR;
        }
        cidr_write(cidr, text);
        put_u8(&w, (unsigned)strlen(text));
        put_bytes(&w, text, strlen(text));
    }
    *allowfrom = (struct bytes){space, writer_used(&w)};
    return ERR_OK;
}

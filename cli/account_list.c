// SPDX-License-Identifier: MIT
// A table with one account a line, or one JSON object a line: the same that GET /account answers. All of it comes from
// one snapshot.
#include "account_options.h"
#include "body.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DATE_CHARS = 17 };

struct list {
    const struct guest *guest;
    const struct account_options *options;
    uint64_t now_s;
    uint64_t n_damaged;
    bool is_failed;
};

static bool is_wanted(const struct list *list, const struct account *account, const struct txt *txt)
{
    const struct account_options *options = list->options;
    uint64_t used_s = txt->used_s == 0 ? account->created_s : txt->used_s; // unused since it was made
    if (options->is_never_used && txt->used_s != 0)
        return false;
    if (options->is_disabled && !account->is_disabled)
        return false;
    if (options->older_than_s > 0 && account->created_s + options->older_than_s > list->now_s)
        return false;
    if (options->unused_for_s > 0 && used_s + options->unused_for_s > list->now_s)
        return false;
    return options->note == NULL ||
           (account->note.n > 0 && memmem(account->note.at, account->note.n, options->note, strlen(options->note)));
}

static const char *write_date(uint64_t at_s, char text[DATE_CHARS])
{
    struct tm tm;
    time_t at = (time_t)at_s;
    if (at_s == 0 || gmtime_r(&at, &tm) == NULL || strftime(text, DATE_CHARS, "%Y-%m-%d %H:%M", &tm) == 0)
        return "-";
    return text;
}

static void print_row(const struct account *account, const struct txt *txt)
{
    char username[UUID_TEXT_SIZE], created[DATE_CHARS], used[DATE_CHARS];
    uuid_write(&account->username, username);
    printf("%-36.*s  %s  %-16s  %-16s  %6u  %-8s  %.*s\n", (int)account->subdomain.n,
           (const char *)account->subdomain.at, username, write_date(account->created_s, created),
           write_date(txt->used_s, used), txt->n_values, account->is_disabled ? "disabled" : "enabled",
           (int)account->note.n, account->note.n == 0 ? "" : (const char *)account->note.at);
}

static void print_head(void)
{
    printf("%-36s  %-36s  %-16s  %-16s  %6s  %-8s  %s\n", "SUBDOMAIN", "USERNAME", "CREATED (UTC)", "LAST USE (UTC)",
           "VALUES", "STATE", "NOTE");
}

static bool print_json(const struct guest *guest, const struct account *account, const struct txt *txt)
{
    char *text = body_write_details(&(struct body_details){account, txt, guest->conf->general_domain.at[0]});
    if (text == NULL) {
        account_tell("list", ERR_MEMORY);
        return false;
    }
    puts(text);
    free(text);
    return true;
}

static bool on_entry(void *context, const struct store_entry *entry)
{
    struct list *list = context;
    char username[UUID_TEXT_SIZE];
    if (entry->err != ERR_OK) {
        uuid_write(&entry->account.username, username);
        fprintf(stderr, "acmezone: error: account %s: a record is missing or does not decode\n", username);
        list->n_damaged++;
        return true;
    }
    if (!is_wanted(list, &entry->account, &entry->txt))
        return true;
    if (!list->options->is_json)
        print_row(&entry->account, &entry->txt);
    else if (!print_json(list->guest, &entry->account, &entry->txt))
        list->is_failed = true;
    return !list->is_failed && !ferror(stdout);
}

int account_list(struct guest *guest, const struct account_options *options)
{
    struct list list = {.guest = guest, .options = options, .now_s = (uint64_t)time(NULL)};
    enum err err = store_begin(guest->reader);
    if (err == ERR_OK) {
        if (!options->is_json)
            print_head();
        err = store_each(guest->reader, on_entry, &list);
        store_end(guest->reader);
    }
    if (err != ERR_OK)
        account_tell("list", err);
    int status = account_print_end();
    return err != ERR_OK || list.is_failed || list.n_damaged > 0 ? EXIT_REFUSED : status;
}

static void print_networks(struct bytes allowfrom)
{
    struct reader list = reader_of(allowfrom.at, allowfrom.n);
    struct bytes text;
    fputs("allowed from  ", stdout);
    if (allowfrom.n == 0)
        fputs("everywhere", stdout);
    for (const char *gap = ""; account_next_text(&list, &text); gap = " ")
        printf("%s%.*s", gap, (int)text.n, (const char *)text.at);
    putchar('\n');
}

static void print_values(const struct txt *txt)
{
    struct reader list = reader_of(txt->rdata.at, txt->rdata.n);
    for (unsigned i = 0; i < txt->n_values; i++) {
        size_t n = take_u16(&list);
        struct reader strings = reader_of(take_bytes(&list, n), n);
        fputs("value         ", stdout);
        for (struct bytes text; account_next_text(&strings, &text);)
            for (size_t at = 0; at < text.n; at++)
                putchar(text.at[at] >= ' ' && text.at[at] < 0x7f ? text.at[at] : '?');
        putchar('\n');
    }
}

static void print_one(const struct guest *guest, const struct account *account, const struct txt *txt)
{
    char username[UUID_TEXT_SIZE], created[DATE_CHARS], used[DATE_CHARS];
    uuid_write(&account->username, username);
    printf("username      %s\nsubdomain     %.*s\nfulldomain    %.*s.%s\n", username, (int)account->subdomain.n,
           (const char *)account->subdomain.at, (int)account->subdomain.n, (const char *)account->subdomain.at,
           guest->conf->general_domain.at[0]);
    printf("state         %s\ncreated       %s\nlast use      %s\n", account->is_disabled ? "disabled" : "enabled",
           write_date(account->created_s, created), write_date(txt->used_s, used));
    print_networks(account->allowfrom);
    if (account->note.n > 0)
        printf("note          %.*s\n", (int)account->note.n, (const char *)account->note.at);
    print_values(txt);
}

int account_show(struct guest *guest, const struct account_options *options)
{
    struct account_found found;
    struct txt txt;
    if (account_find(guest, options->words[0], &found) != ERR_OK)
        return EXIT_REFUSED;
    bool is_printed = true;
    enum err err = store_begin(guest->reader);
    if (err == ERR_OK) {
        err = store_find_txt(guest->reader, found.account.subdomain, &txt);
        if (err == ERR_OK && options->is_json)
            is_printed = print_json(guest, &found.account, &txt);
        else if (err == ERR_OK)
            print_one(guest, &found.account, &txt);
        store_end(guest->reader);
    }
    account_found_free(&found);
    if (err != ERR_OK)
        account_tell(options->words[0], err);
    int status = account_print_end();
    return err != ERR_OK || !is_printed ? EXIT_REFUSED : status;
}

// SPDX-License-Identifier: MIT
// An account is read, edited, and written where what was read still is; somebody else's edit in between is a conflict
// that is told, not overwritten. Commands that take several accounts go on after one that fails.
#include "account_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Edits `account`, of whose fields the new values live as long as `options`.
typedef void edit(struct account *account, const void *value);

struct editing {
    edit *edit;
    const void *value;
    const char *act;  // in the audit log
    const char *done; // what is said of each account
};

static int change_one(struct guest *guest, const char *word, const struct editing *editing)
{
    struct account_found found;
    if (account_find(guest, word, &found) != ERR_OK)
        return EXIT_REFUSED;
    struct change change = {.kind = CHANGE_ACCOUNT, .account = found.account, .before = &found.account};
    editing->edit(&change.account, editing->value);
    enum err err = guest_change(guest, &change);
    account_audit(guest, editing->act, &found.account, err);
    if (err == ERR_OK)
        printf("%.*s: %s\n", (int)found.account.subdomain.n, (const char *)found.account.subdomain.at, editing->done);
    else
        account_tell(word, err);
    account_found_free(&found);
    return err == ERR_OK ? 0 : EXIT_REFUSED;
}

static int change_each(struct guest *guest, const struct account_options *options, const struct editing *editing)
{
    int status = 0;
    for (int i = 0; i < options->n_words; i++)
        status |= change_one(guest, options->words[i], editing);
    return status | account_print_end();
}

static void edit_state(struct account *account, const void *value)
{
    account->is_disabled = *(const bool *)value;
}

int account_disable(struct guest *guest, const struct account_options *options)
{
    static const bool is_disabled = true;
    return change_each(guest, options, &(struct editing){edit_state, &is_disabled, "disable", "disabled"});
}

int account_enable(struct guest *guest, const struct account_options *options)
{
    static const bool is_disabled = false;
    return change_each(guest, options, &(struct editing){edit_state, &is_disabled, "enable", "enabled"});
}

static void edit_networks(struct account *account, const void *value)
{
    account->allowfrom = *(const struct bytes *)value;
}

int account_allow(struct guest *guest, const struct account_options *options)
{
    size_t n = (size_t)options->n_words - 1;
    struct bytes allowfrom;
    if ((n == 0) != options->is_anywhere) {
        fputs("acmezone: error: give the networks, or --anywhere\n", stderr);
        return EXIT_USAGE;
    }
    if (account_read_networks((const char *const *)options->words + 1, n, &allowfrom) != ERR_OK)
        return EXIT_USAGE;
    const struct editing editing = {edit_networks, &allowfrom, "allow", "its networks are changed"};
    int status = change_one(guest, options->words[0], &editing) | account_print_end();
    free((void *)(uintptr_t)allowfrom.at);
    return status;
}

static void edit_note(struct account *account, const void *value)
{
    account->note = *(const struct bytes *)value;
}

int account_note(struct guest *guest, const struct account_options *options)
{
    const struct bytes note = bytes_of_text(options->words[1]);
    enum err err = account_check_note(note);
    if (err != ERR_OK) {
        account_tell("note", err);
        return EXIT_USAGE;
    }
    const struct editing editing = {edit_note, &note, "note", "its note is changed"};
    return change_one(guest, options->words[0], &editing) | account_print_end();
}

// -- Without a look at what was there

static int remove_each(struct guest *guest, const struct account_options *options, enum change_kind kind,
                       const char *done)
{
    int status = 0;
    for (int i = 0; i < options->n_words; i++) {
        struct account_found found;
        if (account_find(guest, options->words[i], &found) != ERR_OK) {
            status = EXIT_REFUSED;
            continue;
        }
        struct change change = {.kind = kind, .account = found.account};
        enum err err = guest_change(guest, &change);
        account_audit(guest, kind == CHANGE_CLEAR ? "clear" : "delete", &found.account, err);
        if (err == ERR_OK) {
            printf("%.*s: %s\n", (int)found.account.subdomain.n, (const char *)found.account.subdomain.at, done);
        } else {
            account_tell(options->words[i], err);
            status = EXIT_REFUSED;
        }
        account_found_free(&found);
    }
    return status | account_print_end();
}

int account_clear(struct guest *guest, const struct account_options *options)
{
    return remove_each(guest, options, CHANGE_CLEAR, "its values are gone");
}

static bool is_confirmed(const struct account_options *options)
{
    char answer[8];
    fprintf(stderr, "Delete %d account%s, for good? [y/N] ", options->n_words, options->n_words == 1 ? "" : "s");
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

int account_delete(struct guest *guest, const struct account_options *options)
{
    if (!options->is_yes && !isatty(STDIN_FILENO)) {
        fputs("acmezone: error: nobody is there to be asked: give --yes\n", stderr);
        return EXIT_USAGE;
    }
    if (!options->is_yes && !is_confirmed(options)) {
        fputs("acmezone: nothing was deleted\n", stderr);
        return EXIT_REFUSED;
    }
    return remove_each(guest, options, CHANGE_DELETE, "deleted");
}

// SPDX-License-Identifier: MIT
// account_options: what stands on the command line of `acmezone account …`, for the files that carry it out.
#pragma once

#include "guest.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

#define ACCOUNT_NETWORKS_MAX 64

struct account_options {
    bool is_json;
    bool is_yes;
    bool is_anywhere;
    bool is_never_used;
    bool is_disabled;
    const char *note; // null pointers when not given
    const char *subdomain;
    uint64_t older_than_s; // 0: not given
    uint64_t unused_for_s;
    size_t n_networks;
    const char *networks[ACCOUNT_NETWORKS_MAX];
    int n_words; // what is left: accounts, or an account and more
    char **words;
};

// Each carries out one command and returns the exit status. -- account_list.c
int account_list(struct guest *guest, const struct account_options *options);
int account_show(struct guest *guest, const struct account_options *options);

// -- account_create.c
int account_create(struct guest *guest, const struct account_options *options);

// -- account_change.c
int account_disable(struct guest *guest, const struct account_options *options);
int account_enable(struct guest *guest, const struct account_options *options);
int account_delete(struct guest *guest, const struct account_options *options);
int account_clear(struct guest *guest, const struct account_options *options);
int account_rotate(struct guest *guest, const struct account_options *options);
int account_allow(struct guest *guest, const struct account_options *options);
int account_note(struct guest *guest, const struct account_options *options);

// -- account_find.c

// An account that was found, with bytes of its own.
struct account_found {
    struct account account;
    uint8_t *bytes; // freed by account_found_free
};

// By username, subdomain or fulldomain. ERR_NOT_FOUND; it has been told, as every other error.
enum err account_find(struct guest *guest, const char *word, struct account_found *found);
void account_found_free(struct account_found *found);

// Networks as `struct account` keeps them, to be freed; ERR_CIDR: one is none, which has been told. ERR_MEMORY.
enum err account_read_networks(const char *const *texts, size_t n, struct bytes *allowfrom);

// Notes in the audit log what was done, by the operator, or refused. Only in a file that the server has made: one of
// root's would keep it from starting.
void account_audit(const struct guest *guest, const char *act, const struct account *account, enum err result);

// Says on standard error that `what` failed.
void account_tell(const char *what, enum err err);

// A line of standard output that must be read: EXIT_REFUSED when it could not be written.
int account_print_end(void);

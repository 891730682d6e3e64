// SPDX-License-Identifier: MIT
// list_store DIRECTORY: prints what is in a store, whether it is being served or not.
//
//     account USERNAME SUBDOMAIN
//     values SUBDOMAIN USERNAME VALUE...
#include "record.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

static void check(bool is_so, const char *what)
{
    if (!is_so) {
        fprintf(stderr, "list_store: %s\n", what);
        exit(1);
    }
}

static void check_status(int status, const char *what)
{
    if (status != MDB_SUCCESS)
        fprintf(stderr, "%s: ", mdb_strerror(status));
    check(status == MDB_SUCCESS, what);
}

static void print_username(const struct uuid *username)
{
    char text[UUID_TEXT_SIZE];
    uuid_write(username, text);
    printf(" %s", text);
}

static void print_account(struct bytes key, struct bytes record)
{
    struct account account;
    struct uuid username;
    check(key.n == sizeof username.at, "a username of another length");
    memcpy(username.at, key.at, sizeof username.at);
    check(record_read_account(record, &username, &account) == ERR_OK, "an account does not decode");
    printf("account");
    print_username(&username);
    printf(" %.*s\n", (int)account.subdomain.n, (const char *)account.subdomain.at);
}

static void print_values(struct bytes key, struct bytes record)
{
    struct txt txt;
    check(record_read_txt(record, &txt) == ERR_OK, "values do not decode");
    printf("values %.*s", (int)key.n, (const char *)key.at);
    print_username(&txt.username);
    struct reader r = reader_of(txt.rdata.at, txt.rdata.n);
    for (unsigned i = 0; i < txt.n_values; i++) {
        size_t n = take_u16(&r);
        const uint8_t *rdata = take_bytes(&r, n);
        check(rdata != NULL && n > 0, "a value without a length");
        printf(" %.*s", (int)n - 1, (const char *)rdata + 1);
    }
    printf("\n");
}

static void print_table(MDB_txn *txn, const char *name, void (*print)(struct bytes key, struct bytes record))
{
    MDB_dbi table;
    MDB_cursor *cursor;
    MDB_val k, v;
    check_status(mdb_dbi_open(txn, name, 0, &table), name);
    check_status(mdb_cursor_open(txn, table, &cursor), name);
    int status;
    while ((status = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == MDB_SUCCESS) {
        struct bytes key = {k.mv_data, k.mv_size}, record = {v.mv_data, v.mv_size};
        check(record_unseal(key, &record) == ERR_OK, "a record has not the right seal");
        print(key, record);
    }
    check(status == MDB_NOTFOUND, "a table cannot be read to its end");
    mdb_cursor_close(cursor);
}

int main(int argc, char **argv)
{
    MDB_env *env;
    MDB_txn *txn;
    check(argc == 2, "one directory");
    check_status(mdb_env_create(&env), "environment");
    check_status(mdb_env_set_maxdbs(env, 3), "tables");
    check_status(mdb_env_open(env, argv[1], MDB_RDONLY, 0), argv[1]);
    check_status(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "transaction");
    print_table(txn, "accounts", print_account);
    print_table(txn, "values", print_values);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return 0;
}

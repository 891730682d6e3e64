// SPDX-License-Identifier: MIT
// Fills a store with the accounts of the population, or writes the same data as a zone file for other servers.
//
// The records are the product's own, written by its own code; only the way into the store is shorter: names come in
// ascending order and are appended (MDB_APPEND), many to a transaction, with one sync at the very end. So ten million
// accounts take less than a minute, most of it the disk's. The subdomain of one account is printed, as JSON.
#include "args.h"
#include "edit.h"
#include "population.h"
#include "record.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORD_BYTES = 1024, PER_TRANSACTION = 100000, CREATED_S = 1700000000 };

static double accounts = 100000, map_bytes = 17179869184.0, memory_kib = 19456, passes = 2, lanes = 1;
static const char *store = "", *zone = "";

static const struct arg args[] = {
    {"accounts", &accounts, NULL}, {"map_bytes", &map_bytes, NULL}, {"memory_kib", &memory_kib, NULL},
    {"passes", &passes, NULL},     {"lanes", &lanes, NULL},         {"store", NULL, &store},
    {"zone", NULL, &zone},
};

struct loader {
    struct env env;
    struct edit edit;
    char hash[SECRET_HASH_MAX];
};

static void check(enum err err, const char *what)
{
    if (err != ERR_OK) {
        fprintf(stderr, "bulkload: %s: %s\n", what, err_text(err));
        exit(1);
    }
}

static void append(struct loader *loader, enum env_table table, struct bytes key, struct writer *record)
{
    record_seal(record, key);
    MDB_val k = {key.n, (void *)(uintptr_t)key.at};
    MDB_val v = {writer_used(record), record->start};
    check(record->is_bad ? ERR_RANGE
                         : env_err(mdb_put(loader->edit.txn, loader->env.tables[table], &k, &v, MDB_APPEND)),
          "append");
}

static void append_account(struct loader *loader, uint64_t i, uint64_t n)
{
    uint8_t space[RECORD_BYTES];
    char text[UUID_TEXT_SIZE];
    struct uuid subdomain = population_subdomain(i, n);
    struct uuid username = population_username(i, n);
    uuid_write(&subdomain, text);
    struct account account = {.username = username,
                              .subdomain = bytes_of_text(text),
                              .hash = bytes_of_text(loader->hash),
                              .created_s = CREATED_S};
    struct writer w = writer_of(space, sizeof space);
    record_write_account(&w, &account);
    append(loader, ENV_ACCOUNTS, (struct bytes){username.at, sizeof username.at}, &w);
}

static void append_values(struct loader *loader, uint64_t i, uint64_t n)
{
    uint8_t space[POPULATION_VALUES + 1][RECORD_BYTES]; // one for each step of the record's growth
    struct writer w = writer_of(space[0], RECORD_BYTES);
    struct uuid subdomain = population_subdomain(i, n);
    struct uuid username = population_username(i, n);
    record_write_no_values(&w, &username);
    for (unsigned which = 0; which < POPULATION_VALUES; which++) {
        uint8_t rdata[1 + POPULATION_VALUE_CHARS] = {POPULATION_VALUE_CHARS};
        population_value(i, which, (char *)rdata + 1);
        struct bytes old = {w.start, writer_used(&w)};
        w = writer_of(space[which + 1], RECORD_BYTES);
        check(
            record_write_update(&w, old, &(struct record_update){{rdata, sizeof rdata}, POPULATION_VALUES, CREATED_S}),
            "record");
    }
    char text[UUID_TEXT_SIZE];
    uuid_write(&subdomain, text);
    append(loader, ENV_VALUES, bytes_of_text(text), &w);
}

static void append_all(struct loader *loader, void (*append_one)(struct loader *, uint64_t, uint64_t), uint64_t n)
{
    for (uint64_t i = 0; i < n;) {
        check(edit_begin(&loader->edit, &loader->env), "transaction");
        for (uint64_t end = n - i < PER_TRANSACTION ? n : i + PER_TRANSACTION; i < end; i++)
            append_one(loader, i, n);
        check(edit_commit(&loader->edit), "commit");
    }
}

static void set_revision(struct loader *loader, uint64_t revision)
{
    check(edit_begin(&loader->edit, &loader->env), "transaction");
    check(edit_put_number(&loader->edit, "revision", revision), "revision");
    check(edit_commit(&loader->edit), "commit");
}

static void fill_store(uint64_t n)
{
    struct loader loader;
    const struct secret_cost cost = {(uint32_t)memory_kib, (uint32_t)passes, (uint32_t)lanes};
    const struct store_options options = {.directory = store, .map_bytes = (uint64_t)map_bytes};
    check(secret_hash(&cost, bytes_of_text(POPULATION_KEY), loader.hash), "hash");
    check(env_open(&loader.env, &options), "open");
    check(env_err(mdb_env_set_flags(loader.env.mdb, MDB_NOSYNC, 1)), "flags");
    append_all(&loader, append_account, n);
    append_all(&loader, append_values, n);
    set_revision(&loader, n);
    check(env_err(mdb_env_sync(loader.env.mdb, 1)), "sync");
    env_close(&loader.env);
}

static void write_zone(uint64_t n)
{
    FILE *file = fopen(zone, "w");
    if (file == NULL) {
        perror(zone);
        exit(1);
    }
    fputs("$ORIGIN " POPULATION_ZONE ".\n$TTL 0\n"
          "@ 3600 IN SOA " POPULATION_ZONE ". admin.example.org. 1 28800 7200 604800 60\n"
          "@ 3600 IN NS " POPULATION_ZONE ".\n@ 3600 IN A 192.0.2.1\n",
          file);
    for (uint64_t i = 0; i < n; i++)
        for (unsigned which = 0; which < POPULATION_VALUES; which++) {
            char text[UUID_TEXT_SIZE], value[POPULATION_VALUE_CHARS];
            struct uuid subdomain = population_subdomain(i, n);
            uuid_write(&subdomain, text);
            population_value(i, which, value);
            fprintf(file, "%s IN TXT \"%.*s\"\n", text, POPULATION_VALUE_CHARS, value);
        }
    if (fclose(file) != 0) {
        perror(zone);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    args_read(argc, argv, args, sizeof args / sizeof args[0]);
    if (*store != '\0')
        fill_store((uint64_t)accounts);
    if (*zone != '\0')
        write_zone((uint64_t)accounts);
    char text[UUID_TEXT_SIZE];
    struct uuid subdomain = population_subdomain((uint64_t)accounts / 2, (uint64_t)accounts);
    uuid_write(&subdomain, text);
    printf("{\"subdomain\": \"%s\"}\n", text);
    return 0;
}

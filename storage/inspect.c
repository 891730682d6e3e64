// SPDX-License-Identifier: MIT
// One walk over the accounts and one over the values. Each record must decode, hold what it may hold, and be answered
// by its counterpart in the other table: an account by the values of its subdomain, values by the account they name.
// That no two accounts share a subdomain follows from it, for values name one account. Keys must ascend, as LMDB looks
// them up by halving.
#include "inspect.h"

#include "cidr.h"
#include "name.h"
#include "record.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

struct walk {
    const struct env *env;
    MDB_txn *txn;
    const struct image_sink *sink;
    struct image_report *report;
};

__attribute__((format(printf, 2, 3))) static void tell(struct walk *walk, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    walk->report->n_problems++;
    walk->sink->on_problem(walk->sink->context, text);
}

// Lower case, as DNS asks for it.
static bool is_label(struct bytes label)
{
    for (size_t i = 0; i < label.n; i++)
        if (!isgraph(label.at[i]) || label.at[i] == '.' || name_fold(label.at[i]) != label.at[i])
            return false;
    return label.n > 0 && label.n <= SUBDOMAIN_MAX;
}

// For messages: what is not printable is shown as '?'.
static const char *show(struct bytes label, char text[SUBDOMAIN_MAX + 1])
{
    size_t n = label.n < SUBDOMAIN_MAX ? label.n : SUBDOMAIN_MAX;
    for (size_t i = 0; i < n; i++)
        text[i] = isgraph(label.at[i]) ? (char)label.at[i] : '?';
    text[n] = 0;
    return text;
}

static bool are_networks(struct bytes allowfrom)
{
    struct reader r = reader_of(allowfrom.at, allowfrom.n);
    struct bytes text;
    struct cidr cidr;
    while (account_next_text(&r, &text))
        if (cidr_parse(text, &cidr) != ERR_OK)
            return false;
    return reader_is_done(&r);
}

static bool are_texts(const struct txt *txt)
{
    struct reader values = reader_of(txt->rdata.at, txt->rdata.n);
    for (unsigned i = 0; i < txt->n_values; i++) {
        size_t n = take_u16(&values);
        struct reader strings = reader_of(take_bytes(&values, n), n);
        while (reader_left(&strings) > 0 && !strings.is_bad && !values.is_bad)
            take_bytes(&strings, take_u8(&strings));
        if (n == 0 || strings.is_bad || values.is_bad)
            return false;
    }
    return reader_is_done(&values);
}

static enum err get(const struct walk *walk, enum env_table table, struct bytes key, struct bytes *record)
{
    MDB_val k = {key.n, (void *)(uintptr_t)key.at}, v;
    enum err err = env_err(mdb_get(walk->txn, walk->env->tables[table], &k, &v));
    if (err != ERR_OK)
        return err;
    *record = (struct bytes){v.mv_data, v.mv_size};
    return record_unseal(key, record);
}

static bool is_same(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

static void check_counterpart(struct walk *walk, const struct account *account, const char *username)
{
    char subdomain[SUBDOMAIN_MAX + 1];
    struct bytes record;
    struct txt txt;
    show(account->subdomain, subdomain);
    enum err err = get(walk, ENV_VALUES, account->subdomain, &record);
    if (err == ERR_OK)
        err = record_read_txt(record, &txt);
    if (err == ERR_NOT_FOUND)
        tell(walk, "account %s: there are no values for its subdomain %s", username, subdomain);
    else if (err == ERR_OK && !is_same(&txt.username, &account->username))
        tell(walk, "account %s: its subdomain %s is another account's", username, subdomain);
    else if (err == ERR_OK && txt.is_withheld != account->is_disabled)
        tell(walk, "account %s: it is %sdisabled, its values are%s withheld", username,
             account->is_disabled ? "" : "not ", txt.is_withheld ? "" : " not");
}

static void check_account(struct walk *walk, struct bytes key, struct bytes record)
{
    struct uuid name;
    struct account account;
    char username[UUID_TEXT_SIZE];
    walk->report->n_accounts++;
    if (key.n != sizeof name.at) {
        tell(walk, "account number %llu: its key is no username", (unsigned long long)walk->report->n_accounts);
        return;
    }
    memcpy(name.at, key.at, sizeof name.at);
    uuid_write(&name, username);
    if (record_unseal(key, &record) != ERR_OK) {
        tell(walk, "account %s: its record is damaged", username);
        return;
    }
    if (record_read_account(record, &name, &account) != ERR_OK) {
        tell(walk, "account %s: its record does not decode", username);
        return;
    }
    if (!is_label(account.subdomain))
        tell(walk, "account %s: its subdomain is misshapen", username);
    if (account.hash.n < 2 || account.hash.at[0] != '$')
        tell(walk, "account %s: its password hash is misshapen", username);
    if (!are_networks(account.allowfrom))
        tell(walk, "account %s: its networks are misshapen", username);
    check_counterpart(walk, &account, username);
}

static void check_values(struct walk *walk, struct bytes key, struct bytes record)
{
    char subdomain[SUBDOMAIN_MAX + 1], username[UUID_TEXT_SIZE];
    struct txt txt;
    struct account account;
    show(key, subdomain);
    if (!is_label(key))
        tell(walk, "values of %s: that is no subdomain", subdomain);
    if (record_unseal(key, &record) != ERR_OK) {
        tell(walk, "values of %s: their record is damaged", subdomain);
        return;
    }
    if (record_read_txt(record, &txt) != ERR_OK) {
        tell(walk, "values of %s: their record does not decode", subdomain);
        return;
    }
    walk->report->n_texts += txt.n_values;
    if (txt.n_values > RECORD_VALUES_MAX || !are_texts(&txt))
        tell(walk, "values of %s: they are no TXT records", subdomain);
    uuid_write(&txt.username, username);
    enum err err = get(walk, ENV_ACCOUNTS, (struct bytes){txt.username.at, sizeof txt.username.at}, &record);
    if (err == ERR_OK)
        err = record_read_account(record, &txt.username, &account);
    if (err == ERR_NOT_FOUND)
        tell(walk, "values of %s: their account %s is not there", subdomain, username);
    else if (err == ERR_OK && !bytes_equal(account.subdomain, key))
        tell(walk, "values of %s: their account %s has another subdomain", subdomain, username);
}

static bool is_ascending(struct bytes before, struct bytes key)
{
    size_t n = before.n < key.n ? before.n : key.n;
    int order = n == 0 ? 0 : memcmp(before.at, key.at, n);
    return order < 0 || (order == 0 && before.n < key.n);
}

static enum err walk_table(struct walk *walk, enum env_table which,
                           void (*check)(struct walk *walk, struct bytes key, struct bytes record))
{
    const MDB_dbi table = walk->env->tables[which];
    const char *name = ENV_NAMES[which];
    MDB_cursor *cursor;
    MDB_val k, v;
    MDB_stat stat;
    struct bytes before = {0};
    size_t n = 0;
    int status = mdb_stat(walk->txn, table, &stat);
    if (status == MDB_SUCCESS)
        status = mdb_cursor_open(walk->txn, table, &cursor);
    if (status != MDB_SUCCESS)
        return env_err(status);
    while ((status = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == MDB_SUCCESS) {
        struct bytes key = {k.mv_data, k.mv_size};
        if (n++ > 0 && !is_ascending(before, key))
            tell(walk, "%s: record number %zu is out of order", name, n);
        check(walk, key, (struct bytes){v.mv_data, v.mv_size});
        before = key;
        if (n > stat.ms_entries) // a damaged tree may lead in circles
            break;
    }
    mdb_cursor_close(cursor);
    if ((status == MDB_NOTFOUND || status == MDB_SUCCESS) && n != stat.ms_entries)
        tell(walk, "%s: there are %zu records where %zu are counted", name, n, stat.ms_entries);
    return status == MDB_NOTFOUND ? ERR_OK : env_err(status);
}

enum err inspect_number(const struct env *env, MDB_txn *txn, const char *name, uint64_t *number)
{
    MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v;
    enum err err = env_err(mdb_get(txn, env->tables[ENV_META], &k, &v));
    if (err == ERR_OK)
        return env_read_number((struct bytes){v.mv_data, v.mv_size}, number);
    if (err == ERR_NOT_FOUND)
        *number = 0;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err inspect_records(const struct env *env, MDB_txn *txn, const struct image_sink *sink,
                         struct image_report *report)
{
    struct walk walk = {env, txn, sink, report};
    uint64_t cluster = 0;
    enum err err = inspect_number(env, txn, "revision", &report->revision);
    if (err == ERR_OK)
        err = inspect_number(env, txn, ENV_CLUSTER, &cluster);
    report->is_copy = cluster != 0;
    if (err == ERR_OK)
        err = walk_table(&walk, ENV_ACCOUNTS, check_account);
    return err == ERR_OK ? walk_table(&walk, ENV_VALUES, check_values) : err;
}

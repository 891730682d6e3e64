// SPDX-License-Identifier: MIT
// What a member of etcd says. However its bytes are cut, the same messages come out of them. A message that decodes
// means the same when it is written and decoded again. Its events change a copy of the store so that each key holds
// what the last event about it said, byte for byte; and a key that is taken for one of ours is the one that we would
// have written.
//
// The first byte of the input chooses between the stream of a call and the lines of its head.
#include "copy.h"
#include "etcd.pb-c.h"
#include "fuzz.h"
#include "grpc.h"
#include "live.h"
#include "record.h"
#include "tempdir.h"

#define PREFIX "/acmezone"

enum { N_CUTS = 3, EMPTY_EVERY = 500 };

static struct tempdir dir;
static struct log *log_;
static struct env env;
static struct copy copy;
static uint64_t revision;

static void close_copy(void)
{
    copy_close(&copy);
    env_close(&env);
    log_close(log_);
    tempdir_remove(&dir);
}

static void open_copy(void)
{
    static const struct store_cluster cluster = {.prefix = PREFIX};
    static char path[TEMPDIR_PATH_MAX], log_path[TEMPDIR_PATH_MAX];
    tempdir_make(&dir);
    const struct log_options log_options = {.level = LOG_DEBUG, .file = tempdir_join(&dir, "log", log_path)};
    require(log_open(&log_, &log_options) == ERR_OK, "a log");
    const struct store_options options = {.cluster = &cluster,
                                          .directory = tempdir_join(&dir, "copy", path),
                                          .map_bytes = 64 << 20,
                                          .n_values = 2,
                                          .n_readers = 2,
                                          .log = log_};
    require(env_open(&env, &options) == ERR_OK, "a copy");
    mdb_env_set_flags(env.mdb, MDB_NOSYNC, 1); // nothing of it need survive
    require(copy_open(&copy, &env, PREFIX) == ERR_OK, "a copy");
    atexit(close_copy);
}

// --- Records ---

static struct bytes value_of(const Etcd__KeyValue *kv)
{
    return (struct bytes){kv->value.data, kv->value.len};
}

static struct key key_in(const Etcd__KeyValue *kv)
{
    return key_parse(PREFIX, (struct bytes){kv->key.data, kv->key.len});
}

static void check_key(const Etcd__KeyValue *kv)
{
    struct key key = key_in(kv);
    struct key_text written;
    char name[KEY_REPLICA_MAX + 1] = {0};
    if (key.kind == KEY_OTHER)
        return;
    if (key.kind == KEY_LIVE)
        memcpy(name, key.name.at, key.name.n);
    if (strlen(name) != (key.kind == KEY_LIVE ? key.name.n : 0) ||
        (key.kind == KEY_VALUE && memchr(key.name.at, '\0', key.name.n) != NULL))
        return; // a name with a zero in it is nobody's, and harms nobody
    written = key.kind == KEY_ACCOUNT ? key_of_account(PREFIX, &key.username)
              : key.kind == KEY_VALUE ? key_of_value(PREFIX, key.name)
              : key.kind == KEY_LIVE  ? key_of_live(PREFIX, name)
                                      : key_of_last(PREFIX);
    require(
        bytes_equal((struct bytes){(const uint8_t *)written.at, written.n}, (struct bytes){kv->key.data, kv->key.len}),
        "taken for another key");
}

// What is given out of a record, whoever wrote it.
static void check_record(const struct key *key, struct bytes record)
{
    struct txt txt;
    struct account account;
    if (key->kind == KEY_VALUE && record_read_txt(record, &txt) == ERR_OK)
        require(txt.rdata.at >= record.at && txt.rdata.at + txt.rdata.n <= record.at + record.n, "a view outside");
    if (key->kind == KEY_ACCOUNT && record_read_account(record, &key->username, &account) == ERR_OK)
        require(account.hash.at >= record.at && account.hash.at + account.hash.n <= record.at + record.n,
                "a view outside");
}

// --- Events ---

static bool is_same_value(const struct key *a, const struct key *b)
{
    return a->kind == KEY_VALUE && b->kind == KEY_VALUE && bytes_equal(a->name, b->name);
}

static void expect_last(Etcd__Event *const *events, size_t n, size_t which)
{
    struct key key = key_in(events[which]->kv);
    struct bytes found = {0};
    for (size_t i = which + 1; i < n; i++) {
        struct key later = key_in(events[i]->kv);
        if (is_same_value(&key, &later))
            return;
    }
    enum err err = copy_find_value(&copy, key.name, &found);
    if (events[which]->type == ETCD__EVENT__EVENT_TYPE__PUT)
        require(err == ERR_OK && bytes_equal(found, value_of(events[which]->kv)), "not what the last event said");
    else
        require(err == ERR_NOT_FOUND, "there after it was deleted");
}

static bool have_kvs(Etcd__Event *const *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (events[i]->kv == NULL)
            return false;
    return true;
}

static void check_events(Etcd__Event *const *events, size_t n)
{
    struct live live = {0};
    if (!have_kvs(events, n))
        return;
    for (size_t i = 0; i < n; i++) {
        const Etcd__KeyValue *kv = events[i]->kv;
        bool is_put = events[i]->type == ETCD__EVENT__EVENT_TYPE__PUT;
        struct key key = key_in(kv);
        check_key(kv);
        check_record(&key, value_of(kv));
        require((is_put ? copy_put(&copy, &key, value_of(kv)) : copy_delete(&copy, &key)) == ERR_OK, "a change");
        struct live_replica replica = {.said = (uint64_t)kv->mod_revision};
        if (key.kind == KEY_LIVE && is_put) {
            memcpy(replica.id, key.name.at, key.name.n);
            require(live_note(&live, &replica, value_of(kv)) == ERR_OK, "memory");
        } else if (key.kind == KEY_LIVE) {
            live_drop(&live, key.name, (uint64_t)kv->mod_revision, 1);
        }
    }
    live_free(&live);
    if (++revision % EMPTY_EVERY == 0) {
        require(copy_merge_begin(&copy) == ERR_OK, "a merge");
        require(copy_merge_end(&copy, 1, revision, revision) == ERR_OK, "a merge of nothing");
        return;
    }
    require(copy_commit(&copy, revision, revision) == ERR_OK, "a commit");
    require(copy_find_begin(&copy) == ERR_OK, "a snapshot");
    for (size_t i = 0; i < n; i++)
        if (key_in(events[i]->kv).kind == KEY_VALUE)
            expect_last(events, n, i);
    copy_find_end(&copy);
}

// --- Messages ---

static const ProtobufCMessageDescriptor *const kinds[] = {
    &etcd__watch_response__descriptor, &etcd__range_response__descriptor, &etcd__txn_response__descriptor,
    &etcd__lease_grant_response__descriptor, &etcd__lease_keep_alive_response__descriptor};

static void check_message(unsigned kind, struct bytes bytes)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(kinds[kind], NULL, bytes.n, bytes.at);
    if (message == NULL)
        return;
    uint8_t *frame, *again;
    size_t n, n_again;
    require(grpc_frame(message, &frame, &n) == ERR_OK, "memory");
    ProtobufCMessage *copied =
        protobuf_c_message_unpack(kinds[kind], NULL, n - GRPC_HEAD_BYTES, frame + GRPC_HEAD_BYTES);
    require(copied != NULL, "what is written does not decode");
    require(grpc_frame(copied, &again, &n_again) == ERR_OK, "memory");
    require(bytes_equal((struct bytes){frame, n}, (struct bytes){again, n_again}), "another message");
    protobuf_c_message_free_unpacked(copied, NULL);
    if (kind == 0) {
        const Etcd__WatchResponse *watch = (const Etcd__WatchResponse *)message;
        check_events(watch->events, watch->n_events);
    }
    free(frame);
    free(again);
    protobuf_c_message_free_unpacked(message, NULL);
}

// Cuts the stream twice; what comes out must be the same.
static void check_stream(unsigned kind, const uint8_t cuts[N_CUTS], struct bytes in)
{
    struct grpc_inflow whole = {0}, pieces = {0};
    struct bytes message, piece_message;
    enum err err, piece_err = ERR_NOT_FOUND;
    size_t at = 0, i = 0;
    require(grpc_inflow_add(&whole, in) == ERR_OK, "memory");
    while ((err = grpc_inflow_take(&whole, &message)) == ERR_OK) {
        while ((piece_err = grpc_inflow_take(&pieces, &piece_message)) == ERR_NOT_FOUND) {
            require(at < in.n, "a message is missing");
            size_t n = cuts[i++ % N_CUTS] + 1u;
            n = n < in.n - at ? n : in.n - at;
            require(grpc_inflow_add(&pieces, (struct bytes){in.at + at, n}) == ERR_OK, "memory");
            at += n;
        }
        require(piece_err == ERR_OK && bytes_equal(message, piece_message), "cut elsewhere, another message");
        uint8_t *alone = fuzz_copy(message);
        check_message(kind, (struct bytes){alone, message.n});
        free(alone);
    }
    require(err == ERR_NOT_FOUND || err == ERR_SYNTAX, "an error that nobody expects");
    grpc_inflow_free(&whole);
    grpc_inflow_free(&pieces);
}

static void check_lines(struct bytes in)
{
    struct grpc_status status = {0};
    while (in.n > 0) {
        const uint8_t *end = memchr(in.at, '\n', in.n);
        size_t n = end == NULL ? in.n : (size_t)(end + 1 - in.at);
        uint8_t *line = fuzz_copy((struct bytes){in.at, n});
        grpc_status_read(&status, (struct bytes){line, n});
        free(line);
        in.at += n;
        in.n -= n;
    }
    require(status.http_status <= 999, "a status of more than three digits");
    require(memchr(status.text, '\0', sizeof status.text) != NULL, "a text without an end");
    for (const char *c = status.text; *c != '\0'; c++)
        require((unsigned char)*c >= ' ' && *c != 0x7f, "a text that breaks a log");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bytes in = {data, n};
    uint8_t cuts[N_CUTS];
    uint8_t how = fuzz_take(&in);
    if (copy.env == NULL)
        open_copy();
    if (how == '=') { // lines
        check_lines(in);
        return 0;
    }
    for (unsigned i = 0; i < N_CUTS; i++)
        cuts[i] = fuzz_take(&in);
    check_stream(how % (sizeof kinds / sizeof kinds[0]), cuts, in);
    return 0;
}

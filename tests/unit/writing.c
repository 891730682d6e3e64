// SPDX-License-Identifier: MIT
// on_done comes on the writer's thread and posts a semaphore; nobody polls.
#include "writing.h"

#include "expect.h"

#include <uv.h>

enum { RDATA_MAX = 4096, STRING_MAX = 255, NOW_S = 1700000000 };

struct waiting {
    struct change change; // first: on_done gets its address
    uv_sem_t done;
};

struct uuid writing_username(const char *subdomain)
{
    struct uuid username = {0};
    size_t n = strlen(subdomain);
    memcpy(username.at, subdomain, n < sizeof username.at ? n : sizeof username.at);
    return username;
}

struct bytes writing_rdata(const char *text)
{
    static _Thread_local uint8_t rdata[RDATA_MAX];
    struct writer w = writer_of(rdata, sizeof rdata);
    size_t n = strlen(text);
    do {
        size_t n_part = n < STRING_MAX ? n : STRING_MAX;
        put_u8(&w, (unsigned)n_part);
        put_bytes(&w, text, n_part);
        text += n_part;
        n -= n_part;
    } while (n != 0);
    assert_false(w.is_bad);
    return (struct bytes){rdata, writer_used(&w)};
}

static void on_done(struct change *change)
{
    uv_sem_post(&((struct waiting *)change)->done);
}

enum err writing_submit(struct store *store, struct change *change)
{
    struct waiting waiting = {.change = *change};
    waiting.change.on_done = on_done;
    assert_int_equal(uv_sem_init(&waiting.done, 0), 0);
    store_submit(store, &waiting.change);
    uv_sem_wait(&waiting.done);
    uv_sem_destroy(&waiting.done);
    change->result = waiting.change.result;
    return change->result;
}

enum err writing_register(struct store *store, const char *subdomain)
{
    static _Atomic uint64_t n_accounts; // each is another one
    struct change change = {.kind = CHANGE_REGISTER,
                            .account = {.username = writing_username(subdomain),
                                        .subdomain = bytes_of_text(subdomain),
                                        .hash = bytes_of_text("$argon2id$of-nobody"),
                                        .created_s = NOW_S + n_accounts++},
                            .now_s = NOW_S};
    return writing_submit(store, &change);
}

enum err writing_update(struct store *store, const char *subdomain, const char *text)
{
    struct change change = {.kind = CHANGE_UPDATE,
                            .account = {.username = writing_username(subdomain), .subdomain = bytes_of_text(subdomain)},
                            .rdata = writing_rdata(text),
                            .now_s = NOW_S};
    return writing_submit(store, &change);
}

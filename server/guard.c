// SPDX-License-Identifier: MIT
// A client has proven its address when it came by TCP or brings back a cookie of ours; nobody else's answers are worth
// limiting, since a forged source is what makes them dangerous. The cookie in the answer is the client's own while it
// is fresh, and a new one otherwise.
//
// BADCOOKIE is said only where RFC 7873 5.4 wants it, to a query that asks for nothing but a cookie. Under pressure a
// client that did not prove its address is told to come by TCP (TC=1), and that answer carries a cookie with which its
// next question over UDP is not limited. Every client knows TC; not every one knows BADCOOKIE.
//
// REFUSED must not be worth forging questions for: to a client that has not proven its address it carries no NSID and
// no extended error, but what leaves the answer no longer than the question.
#include "guard.h"

#include "answer.h"

static enum rrl_kind kind_of(const struct found *found)
{
    if (found->rcode == RCODE_NXDOMAIN || found->is_referral)
        return RRL_MISSING;
    return found->rcode == RCODE_NOERROR && found->zone != NULL ? RRL_EXISTING : RRL_ERROR;
}

// The client's cookie is `state`; adds the one that goes back.
static void put_cookie(struct edns_options *options, const struct guard *guard, const struct query *query,
                       const struct cookie_client *client, enum cookie_state state)
{
    uint8_t cookie[COOKIE_BYTES];
    memcpy(cookie, query->asked.cookie, sizeof cookie);
    if (state != COOKIE_FRESH)
        cookie_write(&guard->cookies, client, cookie);
    edns_put_cookie(options, cookie);
}

static void put_others(struct edns_options *options, const struct lookup *lookup, const struct query *query,
                       const struct found *found)
{
    edns_put_error(options, found->ede);
    if (query->asked.wants_nsid)
        edns_put_nsid(options, lookup->conf->general_nsid);
}

static enum cookie_state check_cookie(const struct guard *guard, const struct message *message,
                                      const struct query *query, struct cookie_client *client)
{
    bool is_known = guard != NULL && message->client != NULL && query->asked.n_cookie != 0 &&
                    ip_of_sockaddr(message->client, &client->ip) == ERR_OK;
    if (!is_known)
        return COOKIE_NONE;
    client->now_s = guard->now_s;
    return cookie_check(&guard->cookies, (struct bytes){query->asked.cookie, query->asked.n_cookie}, client);
}

// Looked at only when a limit is reached.
static bool is_exempt(const struct cidrs *exempt, const struct sockaddr *client)
{
    struct ip ip;
    if (ip_of_sockaddr(client, &ip) != ERR_OK)
        return false;
    for (size_t i = 0; i < exempt->n; i++)
        if (cidr_contains(exempt->at[i], ip))
            return true;
    return false;
}

struct guarding guard_judge(const struct lookup *lookup, const struct message *message, const struct query *query,
                            struct found *found)
{
    const struct guard *guard = lookup->guard;
    struct cookie_client client;
    enum cookie_state state = check_cookie(guard, message, query, &client);
    bool is_proven = !message->is_udp || state >= COOKIE_RENEW;
    struct guarding guarding;
    guarding.verdict = RRL_PASS;
    guarding.options.n = 0;
    if (!query->has_question && state == COOKIE_BAD && found->rcode == RCODE_NOERROR)
        found->rcode = RCODE_BADCOOKIE;
    if (!is_proven && guard != NULL && guard->rrl != NULL && message->client != NULL)
        guarding.verdict = rrl_judge(guard->rrl, message->client, kind_of(found), guard->now_ms);
    if (guarding.verdict != RRL_PASS && is_exempt(&lookup->conf->general_rrl_exempt, message->client))
        guarding.verdict = RRL_PASS;
    if (!query->has_edns || guarding.verdict == RRL_DROP || found->rcode == RCODE_BADVERS)
        return guarding;

    if (state != COOKIE_NONE)
        put_cookie(&guarding.options, guard, query, &client, state);
    if (guarding.verdict == RRL_SLIP)
        return guarding;
    size_t n_cookie = guarding.options.n;
    put_others(&guarding.options, lookup, query, found);
    bool is_longer = query->n_question + OPT_BYTES + guarding.options.n > message->n;
    if (found->rcode == RCODE_REFUSED && !is_proven && is_longer)
        guarding.options.n = n_cookie;
    return guarding;
}

enum err guard_open(struct guard *guard, const struct conf *conf, const struct cookie_keys *cookies)
{
    const struct rrl_options options = {.per_s = {[RRL_EXISTING] = (uint32_t)conf->general_rrl_existing_per_s,
                                                  [RRL_MISSING] = (uint32_t)conf->general_rrl_others_per_s,
                                                  [RRL_ERROR] = (uint32_t)conf->general_rrl_others_per_s},
                                        .n_slip = (uint32_t)conf->general_rrl_slip,
                                        .prefix_v4 = (unsigned)conf->general_rrl_prefix_v4,
                                        .prefix_v6 = (unsigned)conf->general_rrl_prefix_v6};
    struct rrl *rrl = NULL;
    bool is_limiting = options.per_s[RRL_EXISTING] != 0 || options.per_s[RRL_ERROR] != 0;
    enum err err = is_limiting ? rrl_new(&rrl, &options) : ERR_OK;
    if (err == ERR_OK)
        *guard = (struct guard){.rrl = rrl, .cookies = *cookies};
    return err;
}

void guard_close(struct guard *guard)
{
    rrl_free(guard->rrl);
}

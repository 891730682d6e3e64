// SPDX-License-Identifier: MIT
// Rounds: all that is still to be sent goes out together, then a pause. A server that does not know an account which it
// was hoped to share with another (replicas do) gets an account of its own on the spot.
#include "delivery.h"

#include "notice.h"
#include "service.h"

#include <stdlib.h>

enum { SECOND_MS = 1000, TRIES_OF_OTHERS = 3 };

struct round {
    struct service_call *calls;
    struct delivery **deliveries;
    size_t n;
    unsigned pause_ms; // at least, as the servers asked
};

// Whether another delivery of the same challenge is where the CNAME leads.
static bool is_served(const struct delivery *deliveries, size_t n, const struct challenge *challenge)
{
    for (size_t i = 0; i < n; i++)
        if (deliveries[i].challenge == challenge && deliveries[i].leads && deliveries[i].state == DELIVERY_DONE)
            return true;
    return false;
}

static void prepare(struct round *round, const struct enrol *enrol, struct delivery *delivery)
{
    struct service_call *call = &round->calls[round->n];
    *call = (struct service_call){.server = enrol->options->servers[delivery->server], .path = "/update"};
    if (!enrol_find(enrol, delivery->challenge->domain, delivery->server, &call->account)) {
        delivery->state = DELIVERY_FAILED;
        return;
    }
    call->body = json_pack("{ssss}", "subdomain", call->account.subdomain, "txt", delivery->challenge->value);
    round->deliveries[round->n++] = delivery;
}

// An account that was another server's may be unknown here.
static bool gets_account(const struct enrol *enrol, const struct delivery *delivery, int64_t until_ms)
{
    struct keyring_account account;
    const struct keyring_key own = {delivery->challenge->domain, enrol->options->servers[delivery->server],
                                    delivery->server == 0};
    return !keyring_find(enrol->keyring, &own, &account) &&
           enrol_at(enrol, delivery->challenge->domain, delivery->server, until_ms) == OUTCOME_DONE;
}

static void tell(struct delivery *delivery, const struct service_call *call)
{
    char text[512];
    if (delivery->is_told)
        return;
    service_describe(call, text);
    notice("%s: %s%s", delivery->challenge->domain, text, service_may_recover(call) ? "; trying again" : "");
    delivery->is_told = service_may_recover(call);
}

static void conclude(struct round *round, const struct enrol *enrol, size_t i, int64_t until_ms)
{
    struct delivery *delivery = round->deliveries[i];
    const struct service_call *call = &round->calls[i];
    if (call->outcome == SERVICE_OK) {
        delivery->state = DELIVERY_DONE;
        if (delivery->is_told)
            notice("%s: %s has taken the value now", delivery->challenge->domain, call->server);
    } else if (call->outcome == SERVICE_DENIED && gets_account(enrol, delivery, until_ms)) {
        round->pause_ms = 0;
    } else {
        tell(delivery, call);
        delivery->state = service_may_recover(call) ? DELIVERY_WAITING : DELIVERY_FAILED;
        round->pause_ms = call->retry_after_ms > round->pause_ms ? call->retry_after_ms : round->pause_ms;
    }
}

// Returns whether anything is left to be sent.
static bool send_round(struct round *round, const struct enrol *enrol, struct delivery *deliveries, size_t n,
                       int64_t until_ms)
{
    const struct service_options how = {enrol->options->ca_file, enrol->options->call_s * SECOND_MS};
    *round = (struct round){.calls = round->calls, .deliveries = round->deliveries};
    for (size_t i = 0; i < n; i++)
        if (deliveries[i].state == DELIVERY_WAITING)
            prepare(round, enrol, &deliveries[i]);
    service_call_all(round->calls, round->n, &how);
    for (size_t i = 0; i < round->n; i++) { // before an account of `calls` may change its place
        json_decref(round->calls[i].body);
        json_decref(round->calls[i].answer);
    }
    bool is_more = false;
    for (size_t i = 0; i < round->n; i++) {
        conclude(round, enrol, i, until_ms);
        is_more = is_more || round->deliveries[i]->state == DELIVERY_WAITING;
    }
    return is_more;
}

static bool is_worth_waiting(const struct delivery *deliveries, size_t n, unsigned n_rounds)
{
    for (size_t i = 0; i < n; i++) {
        const struct delivery *delivery = &deliveries[i];
        if (delivery->state == DELIVERY_WAITING &&
            (n_rounds < TRIES_OF_OTHERS || (delivery->leads && !is_served(deliveries, n, delivery->challenge))))
            return true;
    }
    return false;
}

void delivery_send(const struct enrol *enrol, struct delivery *deliveries, size_t n, struct pace pace)
{
    struct round round = {.calls = calloc(n, sizeof *round.calls), .deliveries = calloc(n, sizeof *round.deliveries)};
    if (round.calls == NULL || round.deliveries == NULL) {
        notice("%s", err_text(ERR_MEMORY));
    } else {
        unsigned n_rounds = 0;
        while (send_round(&round, enrol, deliveries, n, pace.until_ms) && is_worth_waiting(deliveries, n, ++n_rounds) &&
               pace_pause(&pace, round.pause_ms))
            notice_waiting("waiting for the servers");
    }
    free(round.calls);
    free(round.deliveries);
}

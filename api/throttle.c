// SPDX-License-Identifier: MIT
// Keys have 240 random bits, so nobody guesses one: what these limits save is the time of the processors that check
// passwords, and the log.
//
// A limit for each account is a weapon too, as names of accounts are no secret: whoever fails often enough would lock
// the owner out. So it holds only for clients who have failed a lot themselves of late (used up half of what a client
// may). The owner, who calls from somewhere else, passes, and so does every stranger for his first few tries, which his
// own limit ends; and a credential that was verified lately never comes here. What remains: who shares the owner's
// address can lock him out until he is verified again, as they are one client to us.
#include "throttle.h"

#include <time.h>

enum { MS_PER_S = 1000, NS_PER_MS = 1000000, MINUTE_S = 60, ACCOUNT_FACTOR = 2 };

enum err throttle_open(struct throttle *throttle, const struct conf *conf)
{
    enum err err = limit_open(&throttle->requests, conf->api_requests_per_s, 1);
    if (err == ERR_OK)
        err = limit_open(&throttle->failures, conf->api_auth_failures_per_min, MINUTE_S);
    if (err == ERR_OK)
        err = limit_open(&throttle->account_failures, conf->api_auth_failures_per_min * ACCOUNT_FACTOR, MINUTE_S);
    return err;
}

void throttle_close(struct throttle *throttle)
{
    limit_close(throttle->requests);
    limit_close(throttle->failures);
    limit_close(throttle->account_failures);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

unsigned throttle_request(struct throttle *throttle, struct ip ip)
{
    return limit_take(throttle->requests, limit_key_of_ip(ip), now_ms());
}

unsigned throttle_attempt(struct throttle *throttle, struct ip ip, const struct uuid *account)
{
    const struct limit_key client = limit_key_of_ip(ip);
    uint64_t now = now_ms();
    bool is_suspect = limit_is_low(throttle->failures, client, now);
    unsigned wait_s = limit_take(throttle->failures, client, now);
    if (wait_s > 0 || account == NULL)
        return wait_s;
    wait_s = limit_take(throttle->account_failures, limit_key_of_uuid(account), now);
    return is_suspect ? wait_s : 0;
}

void throttle_proved(struct throttle *throttle, struct ip ip, const struct uuid *account)
{
    limit_give_back(throttle->failures, limit_key_of_ip(ip));
    if (account != NULL)
        limit_give_back(throttle->account_failures, limit_key_of_uuid(account));
}

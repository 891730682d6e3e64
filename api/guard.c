// SPDX-License-Identifier: MIT
// Keys have 240 random bits, so nobody guesses one: what these limits save is the time of the processors that check
// passwords, and the log.
//
// A limit for each account is a weapon too, as names of accounts are no secret: whoever fails often enough would lock
// the owner out. So it holds only for clients who have failed a lot themselves of late (used up half of what a client
// may). The owner, who calls from somewhere else, passes, and so does every stranger for his first few tries, which his
// own limit ends; and a credential that was verified lately never comes here. What remains: who shares the owner's
// address can lock him out until he is verified again, as they are one client to us.
#include "guard.h"

#include <time.h>

enum { MS_PER_S = 1000, NS_PER_MS = 1000000, MINUTE_S = 60, ACCOUNT_FACTOR = 2 };

enum err guard_open(struct guard *guard, const struct conf *conf)
{
    enum err err = limit_open(&guard->requests, conf->api_requests_per_s, 1);
    if (err == ERR_OK)
        err = limit_open(&guard->failures, conf->api_auth_failures_per_min, MINUTE_S);
    if (err == ERR_OK)
        err = limit_open(&guard->account_failures, conf->api_auth_failures_per_min * ACCOUNT_FACTOR, MINUTE_S);
    return err;
}

void guard_close(struct guard *guard)
{
    limit_close(guard->requests);
    limit_close(guard->failures);
    limit_close(guard->account_failures);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

unsigned guard_request(struct guard *guard, struct ip ip)
{
    return limit_take(guard->requests, limit_key_of_ip(ip), now_ms());
}

unsigned guard_attempt(struct guard *guard, struct ip ip, const struct uuid *account)
{
    const struct limit_key client = limit_key_of_ip(ip);
    uint64_t now = now_ms();
    bool is_suspect = limit_is_low(guard->failures, client, now);
    unsigned wait_s = limit_take(guard->failures, client, now);
    if (wait_s > 0 || account == NULL)
        return wait_s;
    wait_s = limit_take(guard->account_failures, limit_key_of_uuid(account), now);
    return is_suspect ? wait_s : 0;
}

void guard_proved(struct guard *guard, struct ip ip, const struct uuid *account)
{
    limit_give_back(guard->failures, limit_key_of_ip(ip));
    if (account != NULL)
        limit_give_back(guard->account_failures, limit_key_of_uuid(account));
}

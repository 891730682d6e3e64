// SPDX-License-Identifier: MIT
// One argon2id hash after the other, with nothing around it: what the first use of a password and a registration cannot
// cost less than.
#include "args.h"
#include "meter.h"
#include "population.h"
#include "secret.h"

#include <stdio.h>

static double memory_kib = 19456, passes = 2, lanes = 1, warm_up = 0.1, seconds = 2;

static const struct arg args[] = {
    {"memory_kib", &memory_kib, NULL}, {"passes", &passes, NULL},   {"lanes", &lanes, NULL},
    {"warm_up", &warm_up, NULL},       {"seconds", &seconds, NULL},
};

int main(int argc, char **argv)
{
    static struct meter meter;
    args_read(argc, argv, args, sizeof args / sizeof args[0]);
    const struct secret_cost cost = {(uint32_t)memory_kib, (uint32_t)passes, (uint32_t)lanes};
    meter_open(&meter, &(struct meter_options){warm_up, seconds, ""});
    for (uint64_t before_ns = meter_now_ns(), now_ns; meter_goes_on(&meter, before_ns); before_ns = now_ns) {
        char hash[SECRET_HASH_MAX];
        if (secret_hash(&cost, bytes_of_text(POPULATION_KEY), hash) != ERR_OK) {
            fputs("hashfloor: argon2 refused\n", stderr);
            return 1;
        }
        now_ns = meter_now_ns();
        meter_answer(&meter, now_ns - before_ns, 0, 0);
    }
    meter_print(&meter);
    return 0;
}

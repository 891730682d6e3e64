// SPDX-License-Identifier: MIT
// CPU time is read from the kernel's clock of each process, which is exact to the nanosecond and includes all its
// threads, those that have ended too.
//
// The histogram has 32 buckets to each doubling, so a percentile is good to three percent from nanoseconds to minutes.
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_BITS = 5, PER_OCTAVE = 1 << BUCKET_BITS, PUT_OFF_NS = 100 * 1000 * 1000 };

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0; // the process has ended
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t meter_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static uint64_t read_cpu(const struct meter *meter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < meter->n_clocks; i++)
        sum += read_clock(meter->clocks[i]);
    return sum;
}

static void open_clocks(struct meter *meter, const char *pids)
{
    char *end;
    for (const char *at = pids; *at != '\0'; at = *end == ',' ? end + 1 : end) {
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at || meter->n_clocks == METER_PROCESSES_MAX ||
            clock_getcpuclockid(pid, &meter->clocks[meter->n_clocks++]) != 0) {
            fprintf(stderr, "no process '%s'\n", at);
            exit(1);
        }
    }
}

void meter_open(struct meter *meter, const struct meter_options *options)
{
    memset(meter, 0, sizeof *meter);
    open_clocks(meter, options->pids);
    meter->begin_ns = meter_now_ns() + (uint64_t)(options->warm_up_s * 1e9);
    meter->end_ns = meter->begin_ns + (uint64_t)(options->seconds * 1e9);
}

static void begin(struct meter *meter)
{
    uint64_t length_ns = meter->end_ns - meter->begin_ns;
    meter->n_sent = meter->n_answers = meter->n_bytes = 0;
    memset(meter->by_code, 0, sizeof meter->by_code);
    memset(meter->histogram, 0, sizeof meter->histogram);
    meter->is_measuring = true;
    meter->cpu_ns = read_cpu(meter);
    meter->begin_ns = meter_now_ns();
    meter->end_ns = meter->begin_ns + length_ns;
}

bool meter_goes_on(struct meter *meter, uint64_t now_ns)
{
    if (!meter->is_measuring && now_ns >= meter->begin_ns)
        begin(meter);
    return now_ns < meter->end_ns;
}

void meter_put_off(struct meter *meter)
{
    uint64_t length_ns = meter->end_ns - meter->begin_ns;
    uint64_t earliest_ns = meter_now_ns() + PUT_OFF_NS;
    if (meter->begin_ns < earliest_ns)
        meter->begin_ns = earliest_ns;
    meter->end_ns = meter->begin_ns + length_ns;
}

// Small values have a bucket each; from there on a value's bucket is its octave and its next five bits.
static unsigned bucket_of(uint64_t ns)
{
    if (ns < PER_OCTAVE)
        return (unsigned)ns;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ns) - BUCKET_BITS;
    unsigned bucket = (octave + 1) * PER_OCTAVE + (unsigned)(ns >> octave & (PER_OCTAVE - 1));
    return bucket < METER_BUCKETS ? bucket : METER_BUCKETS - 1;
}

static double bucket_us(unsigned bucket)
{
    if (bucket < PER_OCTAVE)
        return bucket / 1e3;
    unsigned octave = bucket / PER_OCTAVE - 1;
    return (double)((uint64_t)(PER_OCTAVE + bucket % PER_OCTAVE) << octave) / 1e3;
}

static double percentile_us(const struct meter *meter, double share)
{
    uint64_t wanted = (uint64_t)((double)meter->n_answers * share);
    uint64_t seen = 0;
    for (unsigned i = 0; i < METER_BUCKETS; i++)
        if ((seen += meter->histogram[i]) > wanted)
            return bucket_us(i);
    return 0;
}

void meter_answer(struct meter *meter, uint64_t latency_ns, uint64_t bytes, unsigned code)
{
    meter->n_answers++;
    meter->n_bytes += bytes;
    meter->by_code[code < METER_CODES ? code : METER_CODES - 1]++;
    meter->histogram[bucket_of(latency_ns)]++;
}

static void print_codes(const struct meter *meter)
{
    const char *comma = "";
    fputs("\"codes\": {", stdout);
    for (unsigned i = 0; i < METER_CODES; i++) {
        if (meter->by_code[i] == 0)
            continue;
        printf("%s\"%u\": %llu", comma, i, (unsigned long long)meter->by_code[i]);
        comma = ", ";
    }
    fputs("}, ", stdout);
}

void meter_print(const struct meter *meter)
{
    double cpu_ns = (double)(read_cpu(meter) - meter->cpu_ns);
    double elapsed_ns = (double)(meter_now_ns() - meter->begin_ns);
    double n = meter->n_answers == 0 ? 1 : (double)meter->n_answers;
    printf("{\"seconds\": %.3f, \"qps\": %.1f, \"sent\": %llu, \"bytes\": %.1f, ", elapsed_ns / 1e9,
           (double)meter->n_answers / elapsed_ns * 1e9, (unsigned long long)meter->n_sent, (double)meter->n_bytes / n);
    print_codes(meter);
    printf("\"p50_us\": %.2f, \"p99_us\": %.2f, \"cpu_us\": %.4f, \"busy\": %.3f}\n", percentile_us(meter, 0.50),
           percentile_us(meter, 0.99), cpu_ns / 1e3 / n, cpu_ns / elapsed_ns);
}

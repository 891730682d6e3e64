// SPDX-License-Identifier: MIT
// histogram: how many values fell below which bound, counted without locks.
//
// As with counters: one thread at a time writes a histogram (its owner, or whoever holds the owner's lock), anybody may
// read at any time and sees each bucket at some recent value. It starts as zeroes and only grows.
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 20

// The upper bounds of the buckets, each included in its own; what is beyond the last has a bucket too.
struct histogram_scale {
    double unit; // what a value of 1 is in the unit that is told
    size_t n;
    uint64_t bounds[HISTOGRAM_BOUNDS];
};

#define HISTOGRAM_US UINT64_C(1000)
#define HISTOGRAM_MS UINT64_C(1000000)
#define HISTOGRAM_S  UINT64_C(1000000000)

// Nanoseconds, told as seconds; and numbers of things.
static const struct histogram_scale histogram_of_ns = {
    1e-9,
    19,
    {10 * HISTOGRAM_US, 25 * HISTOGRAM_US, 50 * HISTOGRAM_US, 100 * HISTOGRAM_US, 250 * HISTOGRAM_US,
     500 * HISTOGRAM_US, 1 * HISTOGRAM_MS, 2500 * HISTOGRAM_US, 5 * HISTOGRAM_MS, 10 * HISTOGRAM_MS, 25 * HISTOGRAM_MS,
     50 * HISTOGRAM_MS, 100 * HISTOGRAM_MS, 250 * HISTOGRAM_MS, 500 * HISTOGRAM_MS, 1 * HISTOGRAM_S,
     2500 * HISTOGRAM_MS, 5 * HISTOGRAM_S, 10 * HISTOGRAM_S}};
static const struct histogram_scale histogram_of_numbers = {1, 10, {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}};

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BOUNDS + 1];
    _Atomic uint64_t sum;
};

static inline void histogram_add(_Atomic uint64_t *number, uint64_t n)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + n, memory_order_relaxed);
}

// Notes `n` times the value; by the writing thread.
static inline void histogram_note(struct histogram *histogram, const struct histogram_scale *scale, uint64_t value,
                                  uint64_t n)
{
    size_t i = 0;
    while (i < scale->n && value > scale->bounds[i])
        i++;
    histogram_add(&histogram->buckets[i], n);
    histogram_add(&histogram->sum, value * n);
}

// What a reader has seen; sums of several histograms of one scale are made by adding one after the other.
struct histogram_sum {
    uint64_t buckets[HISTOGRAM_BOUNDS + 1]; // each by itself, not yet added up
    uint64_t sum;
};

static inline void histogram_read(struct histogram_sum *sum, const struct histogram *histogram)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        sum->buckets[i] += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    sum->sum += atomic_load_explicit(&histogram->sum, memory_order_relaxed);
}

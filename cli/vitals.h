// SPDX-License-Identifier: MIT
// vitals: what the process takes of the system: memory, descriptors, time. Main thread.
#pragma once

#include <dirent.h>
#include <stdint.h>

struct vitals {
    int statm; // /proc/self/statm; -1: it cannot be read
    DIR *fds;  // /proc/self/fd; a null pointer: it cannot be read
    double start_s;
};

// A value that cannot be told is NAN.
struct vitals_now {
    double cpu_s;
    double resident_bytes;
    double virtual_bytes;
    double n_fds;
    double n_fds_max;
};

// While the process may still open what it likes.
void vitals_open(struct vitals *vitals);
void vitals_close(struct vitals *vitals);

struct vitals_now vitals_read(const struct vitals *vitals);

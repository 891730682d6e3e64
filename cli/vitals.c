// SPDX-License-Identifier: MIT
// The files of /proc are opened once, before the user changes and the sandbox closes: reading an open file needs no
// right any more.
#include "vitals.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void vitals_open(struct vitals *vitals)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    vitals->start_s = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    vitals->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    vitals->fds = opendir("/proc/self/fd");
}

void vitals_close(struct vitals *vitals)
{
    if (vitals->statm > 0)
        close(vitals->statm);
    if (vitals->fds != NULL)
        closedir(vitals->fds);
}

static void read_memory(const struct vitals *vitals, struct vitals_now *now)
{
    char text[128];
    unsigned long n_virtual, n_resident;
    ssize_t n = vitals->statm < 0 ? -1 : pread(vitals->statm, text, sizeof text - 1, 0);
    if (n <= 0)
        return;
    text[n] = '\0';
    if (sscanf(text, "%lu %lu", &n_virtual, &n_resident) != 2)
        return;
    double page = (double)sysconf(_SC_PAGESIZE);
    now->virtual_bytes = (double)n_virtual * page;
    now->resident_bytes = (double)n_resident * page;
}

static void read_fds(const struct vitals *vitals, struct vitals_now *now)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        now->n_fds_max = (double)limit.rlim_cur;
    if (vitals->fds == NULL)
        return;
    now->n_fds = 0;
    rewinddir(vitals->fds);
    for (struct dirent *entry; (entry = readdir(vitals->fds)) != NULL;)
        now->n_fds += entry->d_name[0] != '.';
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

struct vitals_now vitals_read(const struct vitals *vitals)
{
    struct vitals_now now = {NAN, NAN, NAN, NAN, NAN};
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        now.cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    read_memory(vitals, &now);
    read_fds(vitals, &now);
    return now;
}

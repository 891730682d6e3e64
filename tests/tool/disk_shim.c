// SPDX-License-Identifier: MIT
// A disk that fails on demand: preloaded, it makes writes to files named data.mdb fail. What fails with which error
// number stands in the file that the environment variable DISK_SHIM names, a byte each, and may change at any time.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADERS_END = 2 * 4096, SHORT = 255 };

static const volatile struct {
    uint8_t pages;
    uint8_t headers;
    uint8_t sync;
    uint8_t header_syncs; // the header is written, but that is said to have failed
} * disk;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void start(void)
{
    int fd = open(getenv("DISK_SHIM"), O_RDONLY | O_CLOEXEC);
    disk = mmap(NULL, sizeof *disk, PROT_READ, MAP_SHARED, fd, 0);
    if (disk == MAP_FAILED)
        abort();
    close(fd);
    *(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    *(void **)&real_writev = dlsym(RTLD_NEXT, "writev");
    *(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
}

static int is_store(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    static const char name[] = "/data.mdb";
    return n >= (ssize_t)sizeof name - 1 && memcmp(path + n - (sizeof name - 1), name, sizeof name - 1) == 0;
}

static ssize_t fail(int number)
{
    errno = number;
    return -1;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    if (!is_store(fd))
        return real_pwrite(fd, data, n, at);
    int number = at < HEADERS_END ? disk->headers : disk->pages, late = at < HEADERS_END ? disk->header_syncs : 0;
    ssize_t n_written = 0;
    if (number == 0 || number == SHORT)
        n_written = real_pwrite(fd, data, number == SHORT ? n / 2 : n, at);
    return late != 0 ? fail(late) : number != 0 && number != SHORT ? fail(number) : n_written;
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    int number = is_store(fd) ? disk->pages : 0;
    if (number == 0 || number == SHORT)
        return real_writev(fd, parts, number == SHORT ? 1 : n);
    return fail(number);
}

int fdatasync(int fd)
{
    int number = is_store(fd) ? disk->sync : 0;
    return number != 0 ? (int)fail(number) : real_fdatasync(fd);
}

// SPDX-License-Identifier: MIT
// The library is put into the program's read-only data by the assembler, and from there into a file in memory.
#include "trust.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef ACMEZONE_TRUST_LIBRARY // only the Makefile knows
#define ACMEZONE_TRUST_LIBRARY "/dev/null"
#endif

extern const uint8_t trust_library[];
extern const uint64_t trust_library_bytes;
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "trust_library:\n"
        ".incbin \"" ACMEZONE_TRUST_LIBRARY "\"\n"
        "trust_library_end:\n"
        ".balign 8\n"
        "trust_library_bytes:\n"
        ".quad trust_library_end - trust_library\n"
        ".popsection\n");

enum err trust_open(int *fd)
{
    int made = memfd_create("acmezone-trust", MFD_CLOEXEC);
    if (made < 0)
        return ERR_SYSTEM;
    if (write(made, trust_library, trust_library_bytes) != (ssize_t)trust_library_bytes) {
        close(made);
        return ERR_SYSTEM;
    }
    *fd = made;
    return ERR_OK;
}

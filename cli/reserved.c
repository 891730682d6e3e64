// SPDX-License-Identifier: MIT
// An account under a static record's name would never be answered; one called "www" or "mail" invites mischief.
#include "reserved.h"

bool reserved_has(const struct zones *zones, struct bytes label)
{
    static const char *const words[] = {"www",   "mail", "smtp",      "imap", "mx",           "ns",   "ns1", "ns2",
                                        "admin", "api",  "localhost", "wpad", "autodiscover", "root", "acme"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (bytes_equal(label, bytes_of_text(words[i])))
            return true;
    return zones_have_label(zones, label);
}

# SPDX-License-Identifier: MIT
"""Static records of every kind: several types, wildcards, aliases, empty non-terminals, a delegation."""

from acmezone import DEFAULTS, ZONE

RECORDS = DEFAULTS["general"]["records"] + [
    f"{ZONE}. MX 10 www.{ZONE}.",
    f"www.{ZONE}. 300 IN A 192.0.2.80",
    f"www.{ZONE}. 300 IN A 192.0.2.81",
    f"www.{ZONE}. AAAA 2001:db8::80",
    f"text.{ZONE}. TXT \"static text\" \"in two strings\"",
    f"caa.{ZONE}. CAA 0 issue \"ca.example.net\"",
    f"odd.{ZONE}. TYPE65400 \\# 3 010203",
    f"deep.a.b.c.{ZONE}. A 192.0.2.90",
    f"*.wild.{ZONE}. A 192.0.2.99",
    f"*.wild.{ZONE}. TXT wild",
    f"x.wild.{ZONE}. A 192.0.2.98",
    f"y.x.below.wild.{ZONE}. A 192.0.2.97",
    f"*.wc.{ZONE}. CNAME www.{ZONE}.",
    f"alias.{ZONE}. CNAME www.{ZONE}.",
    f"alias2.{ZONE}. CNAME alias.{ZONE}.",
    f"loop1.{ZONE}. CNAME loop2.{ZONE}.",
    f"loop2.{ZONE}. CNAME loop1.{ZONE}.",
    f"out.{ZONE}. CNAME www.example.net.",
    f"nowhere.{ZONE}. CNAME nothing.{ZONE}.",
    f"child.{ZONE}. NS ns1.child.{ZONE}.",
    f"child.{ZONE}. NS ns.example.net.",
    f"ns1.child.{ZONE}. A 192.0.2.53",
]

// SPDX-License-Identifier: MIT
// wire: the numbers of the DNS message format (RFC 1035 4.1, RFC 6891), as the registries name them.
#pragma once

enum { HEADER_BYTES = 12, OPT_BYTES = 11, UDP_MIN_BYTES = 512, TCP_MAX_BYTES = 65535 };

enum header_flag { FLAG_QR = 0x8000, FLAG_AA = 0x0400, FLAG_TC = 0x0200, FLAG_RD = 0x0100 };

enum opcode { OPCODE_QUERY = 0 };

enum rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_BADVERS = 16, // the upper bits of this and the next go into the OPT record
    RCODE_BADCOOKIE = 23
};

enum rr_class { CLASS_IN = 1, CLASS_CH = 3 };

enum rr_type {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_HINFO = 13,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    TYPE_SRV = 33,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_DS = 43,
    TYPE_TKEY = 249,
    TYPE_TSIG = 250,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_MAILB = 253,
    TYPE_MAILA = 254,
    TYPE_ANY = 255
};

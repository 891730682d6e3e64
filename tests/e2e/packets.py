# SPDX-License-Identifier: MIT
"""Tables of unusual packets: questions that deserve FORMERR, packets that deserve no answer, EDNS options."""

import struct

from acmezone import ZONE
from wire import FORMERR, QR, header, name_bytes, opt_record, query_bytes, question

APEX = f"{ZONE}."

OPTIONS = {
    "unknown": struct.pack("!HH", 65001, 3) + b"abc",
    "unknown and empty": struct.pack("!HH", 65001, 0),
    "two unknown": struct.pack("!HH", 65001, 1) + b"a" + struct.pack("!HH", 100, 2) + b"bc",
    "padding": struct.pack("!HH", 12, 100) + bytes(100),
    "client subnet": struct.pack("!HHHBB", 8, 7, 1, 24, 0) + bytes([192, 0, 2]),
    "keepalive": struct.pack("!HH", 11, 0),
}


def bad_label(kind):
    return header(9) + bytes([kind]) + b"x" * 70 + b"\0\0\x10\0\1"


LONG_NAME = b"".join(bytes([63]) + b"x" * 63 for _ in range(4)) + b"\0"
GOOD = query_bytes(9, APEX)
MALFORMED = {
    "header alone": header(9, qd=1),
    "no question": header(9, qd=0),
    "no question but bytes": header(9, qd=0) + question(APEX),
    "two questions": header(9, qd=2) + question(APEX) * 2,
    "two announced, one there": header(9, qd=2) + question(APEX),
    "65535 questions": header(9, qd=65535) + question(APEX),
    "label of 64 bytes": bad_label(64),
    "label type 0x80": bad_label(0x80),
    "label type 0x40": bad_label(0x41),
    "pointer to itself": header(9) + b"\xc0\x0c\0\x10\0\1",
    "pointer forward": header(9) + b"\xc0\x20\0\x10\0\1" + bytes(40),
    "pointer beyond the end": header(9) + b"\xff\xff\0\x10\0\1",
    "pointer into the header": header(9) + b"\xc0\x00\0\x10\0\1",
    "pointer cut in half": header(9) + b"\xc0",
    "pointers in a circle": header(9) + b"\1a\xc0\x0c\0\x10\0\1",
    "name of 257 bytes": header(9) + LONG_NAME + b"\0\x10\0\1",
    "name without an end": header(9) + b"\4abcd",
    "label cut": header(9) + b"\x10abcd",
    "no type": GOOD[:-4],
    "half a type": GOOD[:-3],
    "no class": GOOD[:-2],
    "half a class": GOOD[:-1],
    "trailing byte": GOOD + b"\0",
    "trailing junk": GOOD + b"junk" * 20,
    "trailing junk after EDNS": query_bytes(9, APEX, opt=opt_record()) + b"x",
    "announced additional missing": header(9, ar=1) + question(APEX),
    "EDNS cut": query_bytes(9, APEX, opt=opt_record()[:-1]),
    "EDNS data cut": query_bytes(9, APEX, opt=opt_record()[:-2] + struct.pack("!H", 40)),
    "EDNS option cut": query_bytes(9, APEX, opt=opt_record(options=b"\0\x0a\0\x10abcd")),
    "EDNS option header cut": query_bytes(9, APEX, opt=opt_record(options=b"\0\x0a\0")),
    "two EDNS records": header(9, ar=2) + question(APEX) + opt_record() * 2,
    "EDNS owned by a name": query_bytes(9, APEX, opt=opt_record(owner=name_bytes("x."))),
}

DROPPED = {
    **{f"{n} bytes": GOOD[:n] for n in range(12)},
    "an answer": query_bytes(9, APEX, flags=QR),
    "an answer with an error": query_bytes(9, APEX, flags=QR | FORMERR),
    "an answer's header": header(9, QR, qd=0),
    "a malformed answer": header(9, QR) + b"\xff",
    "an answer of another opcode": query_bytes(9, APEX, flags=QR | 4 << 11),
}

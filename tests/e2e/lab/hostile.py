# SPDX-License-Identifier: MIT
"""A name server that answers with what should break whoever asks.

    hostile.py MODE ADDRESS           UDP and TCP, port 53

silent      nothing at all
garbage     bytes that are no message, with the right id
endless     a CNAME to another name of the zone, for every name
other       the answer to another question
compressed  names that point to themselves
many        as many NS and A records as fit, all for the zone
labels      counts that promise more records than there are
random      random records
"""

import os
import socket
import struct
import sys
import threading

import dns.flags
import dns.message
import dns.name
import dns.rrset


def answer(mode, wire):
    """The answer to the question, or None."""
    query = dns.message.from_wire(wire)
    name = query.question[0].name
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    head = wire[:2] + struct.pack("!HHHHH", 0x8400, 1, 3, 0, 0)
    end = wire.index(b"\0", 12) + 5
    record = struct.pack("!HHIH", 5, 1, 60, 2)
    if mode == "silent":
        return None
    if mode == "garbage":
        return wire[:2] + b"\x84\0" + os.urandom(60)
    if mode == "endless":
        label = dns.name.Name([b"x" + os.urandom(4).hex().encode()])
        response.answer = [dns.rrset.from_text(name, 60, "IN", "CNAME", str(label.concatenate(name.parent())))]
    elif mode == "other":
        response.question = [dns.rrset.from_text("elsewhere.example.", 60, "IN", "A")]
    elif mode == "compressed":
        return head + wire[12:end] + struct.pack("!H", 0xc000 | end) + record + struct.pack("!H", 0xc000 | (end + 12))
    elif mode == "many":
        response.answer = [dns.rrset.from_text(name, 60, "IN", "NS", *(f"n{n}.hostile.com." for n in range(400)))]
        response.additional = [dns.rrset.from_text(f"n{n}.hostile.com.", 60, "IN", "A", f"203.0.113.{n}")
                               for n in range(250)]
    elif mode == "labels":
        return head + wire[12:end]
    elif mode == "random":
        return head + wire[12:end] + b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, 200) + os.urandom(300)
    return response.to_wire(max_size=65535)


def serve_tcp(mode, address):
    """One question for each connection."""
    with socket.create_server((address, 53)) as front:
        while True:
            client, _ = front.accept()
            wire = client.recv(4096)[2:]
            reply = answer(mode, wire) if wire else None
            if reply:
                client.sendall(struct.pack("!H", len(reply)) + reply)
                client.close()


def main(mode, address):
    """Serves for ever."""
    threading.Thread(target=serve_tcp, args=(mode, address), daemon=True).start()
    with socket.socket(type=socket.SOCK_DGRAM) as front:
        front.bind((address, 53))
        while True:
            wire, client = front.recvfrom(4096)
            reply = answer(mode, wire)
            if reply and len(reply) > 1232:
                reply = wire[:2] + b"\x86\0" + wire[4:6] + bytes(6) + wire[12:wire.index(b"\0", 12) + 5]
            if reply:
                front.sendto(reply, client)


main(*sys.argv[1:])

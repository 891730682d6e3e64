# SPDX-License-Identifier: MIT
"""A box between the world and a DNS server that spoils UDP: what careless firewalls and load balancers do.

    middlebox.py MODE ADDRESS SERVER        both on port 53; TCP is not its business

lower    the names in questions become small letters on their way
drop     nothing comes through
edns     questions with an OPT record are dropped
strip    answers lose their OPT record
"""

import socket
import sys


def lowered(question):
    """Small letters in the name behind the header."""
    end = question.index(b"\0", 12)
    return question[:12] + question[12:end].lower() + question[end:]


def stripped(answer):
    """Without the OPT record, if it is the last one and empty, as in answers of our servers."""
    at = answer.rfind(b"\0\0\x29")
    return answer[:10] + b"\0\0" + answer[12:at] if at > 0 and answer[11] == 1 else answer


def passes(mode, question):
    """What of the question reaches the server."""
    has_edns = question[11] > 0
    if mode == "drop" or (mode == "edns" and has_edns):
        return None
    return lowered(question) if mode == "lower" else question


def main(mode, address, server):
    """Serves for ever."""
    with socket.socket(type=socket.SOCK_DGRAM) as front, socket.socket() as ready:
        front.bind((address, 53))
        if mode == "drop":  # over TCP too: connections are taken and nothing is said
            ready.bind((address, 53))
        else:
            ready.bind((address, 5353))
        ready.listen()
        while True:
            question, client = front.recvfrom(4096)
            question = passes(mode, question)
            if question is None:
                continue
            with socket.socket(type=socket.SOCK_DGRAM) as back:
                back.settimeout(5)
                back.sendto(question, (server, 53))
                answer = back.recv(4096)
            front.sendto(stripped(answer) if mode == "strip" else answer, client)


main(*sys.argv[1:])

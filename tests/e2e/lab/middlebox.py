# SPDX-License-Identifier: MIT
"""A box between the world and a DNS server that spoils UDP: what careless firewalls and load balancers do.

    middlebox.py MODE ADDRESS SERVER        both on port 53

lower    the names in questions become small letters on their way
drop     nothing comes through, not over TCP either
edns     questions with an OPT record are dropped
strip    answers lose their OPT record
"""

import socket
import sys
import threading


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


def relay(source, sink):
    """Copies what comes until the end."""
    while data := source.recv(4096):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def serve_tcp(address, server):
    """TCP goes through as it is."""
    with socket.create_server((address, 53)) as front:
        while True:
            client, _ = front.accept()
            back = socket.create_connection((server, 53))
            for pair in ((client, back), (back, client)):
                threading.Thread(target=relay, args=pair, daemon=True).start()


def main(mode, address, server):
    """Serves for ever."""
    with socket.socket(type=socket.SOCK_DGRAM) as front, socket.socket() as silent:
        front.bind((address, 53))
        if mode == "drop":  # connections are taken, and nothing is said
            silent.bind((address, 53))
            silent.listen()
        else:
            threading.Thread(target=serve_tcp, args=(address, server), daemon=True).start()
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

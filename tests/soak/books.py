# SPDX-License-Identifier: MIT
"""What the server has acknowledged, compared with what it serves.

Writers are threads, each with a connection and accounts of its own. What is acknowledged goes into the books and is asked
for at once; what was on its way when the connection broke may be there or not.
"""

import http.client
import json
import random
import socket
import threading
import time
from urllib.parse import urlsplit

from acmezone import DEADLINE_S
from wire import AA, NOERROR, parse_header, query_bytes, rcode

N_VALUES = 2  # txt_values, as by default
WINDOW = 32  # questions at once
RESEND_S = 2
PAUSE_S = 0.01  # between a writer's requests: a soak is long, not fast
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Account:
    """One registration and the values that it must have, the oldest first."""

    def __init__(self, answer):
        self.subdomain, self.fulldomain = answer["subdomain"], answer["fulldomain"]
        self.username = answer["username"]
        self.headers = {"X-Api-User": answer["username"], "X-Api-Key": answer["password"]}
        self.values = []
        self.pending = None

    def after(self, value):
        """Its values when this one has been put."""
        return [*self.values, value][-N_VALUES:]

    def judge(self, answer):
        """Compares with an answer, and takes over what was pending."""
        assert rcode(answer) == NOERROR and parse_header(answer)[1] & AA, f"{self.subdomain}: {answer.hex()}"
        found = values_of(answer, self)
        allowed = [self.values, self.after(self.pending)] if self.pending else [self.values]
        matching = [values for values in allowed if sorted(values) == sorted(found)]
        assert matching, f"{self.subdomain} is served {found}, allowed is one of {allowed}"
        self.values, self.pending = matching[0], None


def values_of(answer, account):
    """The values of TXT records of 43 characters each, the owner compressed."""
    record = 2 + 2 + 2 + 4 + 2 + 1 + 43
    start = len(query_bytes(0, account.fulldomain))
    return [answer[start + record * (i + 1) - 43:start + record * (i + 1)].decode() for i in range(parse_header(answer)[3])]


def check(address, accounts):
    """Asks for accounts that nobody updates meanwhile, and compares; returns how many."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(RESEND_S)
        for start in range(0, len(accounts), WINDOW):
            check_window(sock, dict(enumerate(accounts[start:start + WINDOW], start)))
    return len(accounts)


def check_window(sock, missing):
    """{number: account}, asked again until each is answered: a datagram may be lost where others flood."""
    give_up = time.monotonic() + DEADLINE_S
    while missing:
        assert time.monotonic() < give_up, f"no answer for {[account.fulldomain for account in missing.values()]}"
        for number, account in missing.items():
            sock.send(query_bytes(number & 0xFFFF, account.fulldomain))
        try:
            while missing:
                answer = sock.recv(4096)
                number = next((number for number in missing if number & 0xFFFF == parse_header(answer)[0]), None)
                if number is not None:
                    missing.pop(number).judge(answer)
        except TimeoutError:
            pass


class Books:
    """All accounts, in the order in which they were acknowledged."""

    def __init__(self, seed, token):
        self.random = random.Random(seed)
        self.token = token
        self.lock = threading.Lock()
        self.accounts = []
        self.n_acknowledged = 0

    def note(self, account=None):
        with self.lock:
            self.n_acknowledged += 1
            if account:
                self.accounts.append(account)


class Writer(threading.Thread):
    """Registers and updates until it is stopped or the connection breaks; asks for each value when it is acknowledged."""

    def __init__(self, books, server, pause_s):
        super().__init__(daemon=True)
        url = urlsplit(server.api)
        self.books, self.dns, self.pause_s = books, server.dns, pause_s
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=DEADLINE_S)
        self.random = random.Random(books.random.random())
        self.accounts = []
        self.is_over = False
        self.failure = None

    def run(self):
        try:
            while not self.is_over:
                if not self.accounts or self.random.random() < 0.05:
                    self.register()
                else:
                    self.update(self.random.choice(self.accounts))
                time.sleep(self.pause_s)
        except (OSError, http.client.HTTPException):
            pass  # the server has gone
        except BaseException as failure:
            self.failure = failure
        finally:
            self.connection.close()

    def ask(self, path, body, headers, status):
        self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status == 503:
            raise ConnectionResetError("the server is stopping")
        assert answer.status == status, f"{path}: {answer.status} {text}"
        return json.loads(text)

    def register(self):
        account = Account(self.ask("/register", {}, {"Authorization": f"Bearer {self.books.token}"}, 201))
        self.accounts.append(account)
        self.books.note(account)
        check(self.dns, [account])

    def update(self, account):
        value = "".join(self.random.choices(ALPHABET, k=43))
        account.pending = value
        self.ask("/update", {"subdomain": account.subdomain, "txt": value}, account.headers, 200)
        account.values, account.pending = account.after(value), None
        self.books.note()
        check(self.dns, [account])


class Writers:
    """Some writers, while the block lasts. Only where the server is ended in it may they end before."""

    def __init__(self, books, server, n, may_end):
        self.all = [Writer(books, server, PAUSE_S) for _ in range(n)]
        self.may_end = may_end

    def __enter__(self):
        for writer in self.all:
            writer.start()

    def __exit__(self, kind, _value, _traceback):
        n_alive = sum(writer.is_alive() for writer in self.all)
        for writer in self.all:
            writer.is_over = True
        for writer in self.all:
            writer.join()
        for writer in self.all:
            if kind is None and writer.failure:
                raise writer.failure
        assert kind or self.may_end or n_alive == len(self.all), "a writer was refused or lost its connection"

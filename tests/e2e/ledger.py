# SPDX-License-Identifier: MIT
"""Keeps the books: what writers were promised, to be compared with what a server and its store have.

Writers are threads, each with a connection of its own that stays open and accounts that nobody else updates. What the server
acknowledges goes into the books at once; what was on its way when the connection broke stays pending, because the server may
have kept it or not. What it refused must not be there.
"""

import http.client
import itertools
import json
import random
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from acmezone import BINARY, DEADLINE_S
from wire import AA, NOERROR, parse_header, query_bytes, rcode

TOOLS = Path(BINARY).parent / "tool"
REFUSALS = b'{"error": "db_error"}', b'{"error": "stopping"}'
N_VALUES = 2  # txt_values of the server
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Account:
    """One registration and the values that it must have, the oldest first."""

    def __init__(self, answer):
        self.subdomain = answer["subdomain"]
        self.username = answer["username"]
        self.fulldomain = answer["fulldomain"]
        self.headers = {"X-Api-User": answer["username"], "X-Api-Key": answer["password"]}
        self.values = []
        self.pending = None

    def put(self, values, value):
        """The values after one more."""
        return [*values, value][-N_VALUES:]


class Ledger:
    """All accounts, and the subdomains that turned up without their registration having been acknowledged."""

    def __init__(self, seed, token=None):
        self.random = random.Random(seed)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}  # of registrations
        self.numbers = itertools.count()
        self.accounts = {}
        self.strangers = set()
        self.n_pending_registrations = 0
        self.n_acknowledged = 0
        self.n_refused = 0
        self.lock = threading.Lock()

    def count(self, name, n=1):
        with self.lock:
            setattr(self, name, getattr(self, name) + n)

    def new_value(self):
        """43 characters that nobody has used before."""
        return f"{next(self.numbers):0>10}" + "".join(self.random.choices(ALPHABET, k=33))

    # Compared with the store

    def settle(self, directory):
        """Compares with what the store has, and takes over what was pending and is there. Nobody may write meanwhile."""
        usernames, found = list_store(directory)
        for subdomain, account in self.accounts.items():
            assert subdomain in found, f"{subdomain} is lost"
            username, values = found.pop(subdomain)
            allowed = [account.values]
            if account.pending:
                allowed.append(account.put(account.values, account.pending))
            assert username == account.username, f"{subdomain} belongs to {username}, not to {account.username}"
            assert values in allowed, f"{subdomain} has {values}, allowed is one of {allowed}"
            account.values, account.pending = values, None
        assert self.strangers <= found.keys(), "what was there at the start before is lost"
        new = found.keys() - self.strangers
        assert len(new) <= self.n_pending_registrations, f"{len(new)} accounts from nowhere"
        assert all(values == [] for _, values in found.values()), "values of an account that nobody knows"
        assert len(usernames) == len(self.accounts) + len(found)
        self.strangers |= new
        self.n_pending_registrations = 0

    # Compared with DNS

    def check_dns(self, address, n_most=None):
        """Asks for accounts, all or as many as told, and compares; returns how many. Nobody may write meanwhile."""
        accounts = list(self.accounts.values())
        if n_most and len(accounts) > n_most:
            accounts = self.random.sample(accounts, n_most)
        return check_dns(address, accounts)


def check_dns(address, accounts):
    """Asks for accounts that nobody updates, and compares; returns how many."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(DEADLINE_S)
        for start in range(0, len(accounts), 32):
            ask_for(sock, accounts[start:start + 32])
    return len(accounts)


def ask_for(sock, accounts):
    """Asks for accounts at once, and compares the answers, in whatever order they come."""
    for ident, account in enumerate(accounts):
        sock.send(query_bytes(ident, account.fulldomain))
    for _ in accounts:
        answer = sock.recv(4096)
        account = accounts[parse_header(answer)[0]]
        assert rcode(answer) == NOERROR and parse_header(answer)[1] & AA, f"{account.subdomain}: {answer.hex()}"
        assert values_of(answer, account) == account.values, f"{account.subdomain}: {answer.hex()}"


def values_of(answer, account):
    """The values of TXT records of 43 characters each, in order."""
    count = parse_header(answer)[3]
    if count == 0:
        return []
    record = 2 + 2 + 2 + 4 + 2 + 1 + 43
    start = len(query_bytes(0, account.fulldomain))
    return [answer[start + record * (i + 1) - 43:start + record * (i + 1)].decode() for i in range(count)]


def list_store(directory):
    """The accounts' usernames, and {subdomain: (username, values)}."""
    listed = subprocess.run([TOOLS / "list_store", directory], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    usernames, values = {}, {}
    for line in listed.stdout.splitlines():
        kind, key, second, *rest = line.split(" ")
        if kind == "account":
            usernames[key] = second
        else:
            values[key] = (second, rest)
    assert sorted(usernames.values()) == sorted(values), "accounts and values do not fit together"
    assert all(usernames.get(username) == subdomain for subdomain, (username, _) in values.items())
    return usernames, values


class Watch(threading.Thread):
    """Asks for the accounts that a ledger has now, which nobody may update, over and over, until the block is left."""

    def __init__(self, ledger, address):
        super().__init__(daemon=True)
        self.accounts = list(ledger.accounts.values())
        self.address = address
        self.n_asked = 0
        self.is_over = False
        self.failure = None

    def run(self):
        try:
            while not self.is_over:
                self.n_asked += check_dns(self.address, self.accounts)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, _value, _traceback):
        self.is_over = True
        self.join()
        if kind is None and self.failure:
            raise self.failure


class Writer(threading.Thread):
    """Registers and updates as fast as it can until it is stopped or the connection breaks."""

    def __init__(self, ledger, server, accounts, n_most=None, pause_s=0):
        super().__init__(daemon=True)
        url = urlsplit(server.api)
        self.ledger = ledger
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=DEADLINE_S)
        self.accounts = accounts
        self.n_most = n_most  # accounts; then it only updates
        self.pause_s = pause_s  # between requests
        self.random = random.Random(ledger.random.random())
        self.is_stopping = False
        self.failure = None

    def run(self):
        try:
            while not self.is_stopping:
                is_full = self.n_most and len(self.accounts) >= self.n_most
                if not self.accounts or (not is_full and self.random.random() < 0.1):
                    self.register()
                else:
                    self.update(self.random.choice(self.accounts))
                if self.pause_s:
                    time.sleep(self.pause_s)
        except (OSError, http.client.HTTPException):
            pass  # the server is gone
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure
        finally:
            self.connection.close()

    def ask(self, path, body, headers):
        self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status in (200, 201):
            self.ledger.count("n_acknowledged")
            return json.loads(text)
        assert answer.status in (500, 503) and text in REFUSALS, f"{answer.status} {text}"
        self.ledger.count("n_refused")
        return None

    def register(self):
        self.ledger.count("n_pending_registrations")
        answer = self.ask("/register", {}, self.ledger.headers)
        if answer:
            account = Account(answer)
            self.ledger.accounts[account.subdomain] = account
            self.accounts.append(account)
        self.ledger.count("n_pending_registrations", -1)

    def update(self, account):
        value = self.ledger.new_value()
        account.pending = value
        if self.ask("/update", {"subdomain": account.subdomain, "txt": value}, account.headers):
            account.values = account.put(account.values, value)
        account.pending = None


class Writers:
    """Some writers. Leaving the block stops them; what one of them found wrong fails the test."""

    def __init__(self, ledger, server, shares, **options):
        self.all = [Writer(ledger, server, share, **options) for share in shares]

    def __enter__(self):
        for writer in self.all:
            writer.start()
        return self

    def __exit__(self, kind, _value, _traceback):
        for writer in self.all:
            writer.is_stopping = True
        for writer in self.all:
            writer.join()
        for writer in self.all:
            if kind is None and writer.failure:
                raise writer.failure

# SPDX-License-Identifier: MIT
"""Databases as acme-dns makes them: its tables, its way to store a hash (as a blob), its two rows of values for each account.

    accounts = make_accounts(100_000)
    write_sqlite(path, accounts)
    accounts[0].password        # the first few have real bcrypt hashes
"""

import json
import random
import sqlite3
import uuid
from dataclasses import dataclass, field

import bcrypt

BCRYPT_LETTERS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
PASSWORD_LETTERS = BCRYPT_LETTERS[2:] + "-_"

# Version 1, of all its releases since 0.2.
TABLES = """
CREATE TABLE IF NOT EXISTS acmedns(Name TEXT, Value TEXT);
CREATE TABLE IF NOT EXISTS records(
    Username TEXT UNIQUE NOT NULL PRIMARY KEY,
    Password TEXT UNIQUE NOT NULL,
    Subdomain TEXT UNIQUE NOT NULL,
    AllowFrom TEXT
);
"""
TXT_SQLITE = "CREATE TABLE IF NOT EXISTS txt(Subdomain TEXT NOT NULL, Value TEXT NOT NULL DEFAULT '', LastUpdate INT);"
TXT_POSTGRES = TXT_SQLITE.replace("txt(", "txt(rowid SERIAL, ")

# Version 0, of release 0.1: one value, in the account's row.
TABLE_V0 = """
CREATE TABLE IF NOT EXISTS records(
    Username TEXT UNIQUE NOT NULL PRIMARY KEY,
    Password TEXT UNIQUE NOT NULL,
    Subdomain TEXT UNIQUE NOT NULL,
    Value TEXT,
    LastActive INT,
    AllowFrom TEXT
);
"""


@dataclass
class Account:
    """One row of the table of records, and its rows of values."""
    username: str
    subdomain: str
    hash: str
    password: str = ""
    allowfrom: list = field(default_factory=list)
    values: list = field(default_factory=lambda: [("", 0), ("", 0)])

    def credentials(self, zone="auth.example.org"):
        """As /register would have answered."""
        return {"username": self.username, "password": self.password, "subdomain": self.subdomain,
                "fulldomain": f"{self.subdomain}.{zone}"}


def make_accounts(n, n_real=3):
    """The same ones each time. The first few have real passwords; every other has a value, every tenth networks."""
    dice = random.Random(n)
    accounts = []
    for i in range(n):
        username, subdomain = (str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(2))
        accounts.append(Account(username, subdomain, "$2a$10$" + "".join(dice.choices(BCRYPT_LETTERS, k=53))))
        if i % 2:
            accounts[i].values = [(f"{i:_>43}", 1_700_000_000 + i), ("", 0)]
        if i % 10 == 9:
            accounts[i].allowfrom = ["192.0.2.0/24", "2001:db8::/32"]
    for account in accounts[:n_real]:
        account.password = "".join(dice.choices(PASSWORD_LETTERS, k=40))
        account.hash = bcrypt.hashpw(account.password.encode(), bcrypt.gensalt(10, b"2a")).decode()
    return accounts


def rows_of(accounts, as_hash=str.encode):
    """The rows of records, and those of txt."""
    records = [(a.username, as_hash(a.hash), a.subdomain, json.dumps(a.allowfrom, separators=(",", ":")))
               for a in accounts]
    return records, [(a.subdomain, value, at) for a in accounts for value, at in a.values]


def write_sqlite(path, accounts):
    """A database of version 1; returns its path."""
    records, values = rows_of(accounts)
    database = sqlite3.connect(path)
    database.executescript(TABLES + TXT_SQLITE)
    database.execute("INSERT INTO acmedns (Name, Value) VALUES ('db_version', '1')")
    database.executemany("INSERT INTO records (Username, Password, Subdomain, AllowFrom) VALUES (?, ?, ?, ?)", records)
    database.executemany("INSERT INTO txt (Subdomain, Value, LastUpdate) VALUES (?, ?, ?)", values)
    database.commit()
    database.close()
    return path


def write_sqlite_v0(path, accounts):
    """A database of version 0, with the last value of each account; returns its path."""
    database = sqlite3.connect(path)
    database.executescript(TABLE_V0)
    database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)",
                         [(a.username, a.hash.encode(), a.subdomain, *a.values[0],
                           json.dumps(a.allowfrom)) for a in accounts])
    database.commit()
    database.close()
    return path

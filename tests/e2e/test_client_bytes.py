# SPDX-License-Identifier: MIT
"""The clients in use, byte for byte: each registers and updates as its source does, and reads the answers as it does.

The bytes follow the clients' sources and the HTTP libraries under them: header order, content type, length, body.
"""

import json
import re

import pytest

from wire import http_socket, read_response, request_bytes

TXT = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"


# How the clients read an answer. Each returns (username, password, subdomain, fulldomain).

def read_by_go(status, text):
    """encoding/json into a struct of strings; exactly 201."""
    assert status == 201
    fields = {key.lower(): value for key, value in json.loads(text).items()}
    assert all(isinstance(fields[key], str) for key in ("username", "password", "subdomain", "fulldomain"))
    return fields["username"], fields["password"], fields["subdomain"], fields["fulldomain"]


def read_by_sed(_status, text):
    """acme.sh: per key, the last match in a line that begins with a brace and ends, as far as it looks, with one."""
    return tuple(re.search(r'^\{.*"%s":[ ]*"([^"]*)".*\}' % key, text, re.MULTILINE)[1]
                 for key in ("username", "password", "subdomain", "fulldomain"))


def read_by_json(status, text):
    """Json.NET, ConvertFrom-Json, jq and Python's json: any 2xx or exactly 201."""
    assert status == 201
    account = json.loads(text)
    assert isinstance(account["allowfrom"], list)
    return account["username"], account["password"], account["subdomain"], account["fulldomain"]


# What each client sends. A request is (headers in order, body); {names} are filled in. `expects` marks a client that
# sends its body only after 100 Continue; `is_split` one whose headers and body come in two writes.

def client(name, register, update, read=read_by_json, **how):
    defaults = {"expects": False, "is_split": False}
    return pytest.param({"register": register, "update": update, "read": read, **defaults, **how}, id=name)


GO_AGENT = ("User-Agent", "goacmedns (linux; amd64)")
GO_JSON, GZIP = ("Content-Type", "application/json"), ("Accept-Encoding", "gzip")
USER, KEY = ("X-Api-User", "{user}"), ("X-Api-Key", "{key}")
LENGTH = ("Content-Length", "{length}")
HOST = ("Host", "{host}")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
PLAIN = ("Content-Type", "text/plain; charset=utf-8")
CURL = [HOST, ("User-Agent", "curl/7.88.1"), ("Accept", "*/*")]
ACME_SH = [HOST, ("User-Agent", "acme.sh/3.1.1 (https://github.com/acmesh-official/acme.sh)"), ("Accept", "*/*")]
WGET = [HOST, ("User-Agent", "acme.sh/3.1.1 (https://github.com/acmesh-official/acme.sh)"), ("Accept", "*/*"),
        ("Accept-Encoding", "identity"), ("Connection", "Keep-Alive")]
REQUESTS = [HOST, ("User-Agent", "python-requests/2.28.1"), ("Accept-Encoding", "gzip, deflate"), ("Accept", "*/*"),
            ("Connection", "keep-alive")]
POWERSHELL_7 = ("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.20348; en-US) PowerShell/7.4.6")
POWERSHELL_5 = ("User-Agent", "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.20348.2582")
WIN_ACME = ("User-Agent", "win-acme/2.2.9.1701 (+https://github.com/win-acme/win-acme)")
CERTIFY = ("User-Agent", "Certify/DnsProviderAcmeDns")

CLIENTS = [
    client("goacmedns, old",
           ([HOST, GO_AGENT, LENGTH, GO_JSON, GZIP], ""),
           ([HOST, GO_AGENT, LENGTH, GO_JSON, KEY, USER, GZIP], '{{"SubDomain":"{sub}","Txt":"{txt}"}}'), read_by_go),
    client("goacmedns, old, with networks",
           ([HOST, GO_AGENT, LENGTH, GO_JSON, GZIP], '{{"AllowFrom":["127.0.0.1/32","::1/128"]}}'),
           ([HOST, GO_AGENT, LENGTH, GO_JSON, KEY, USER, GZIP], '{{"SubDomain":"{sub}","Txt":"{txt}"}}'), read_by_go),
    client("goacmedns, new",
           ([HOST, GO_AGENT, LENGTH, ("Accept", "application/json"), GO_JSON, GZIP], "null\n"),
           ([HOST, GO_AGENT, LENGTH, ("Accept", "application/json"), GO_JSON, KEY, USER, GZIP],
            '{{"subdomain":"{sub}","txt":"{txt}"}}\n'), read_by_go),
    client("goacmedns, new, with networks",
           ([HOST, GO_AGENT, LENGTH, ("Accept", "application/json"), GO_JSON, GZIP],
            '{{"allowfrom":["127.0.0.0/8"]}}\n'),
           ([HOST, GO_AGENT, LENGTH, ("Accept", "application/json"), GO_JSON, KEY, USER, GZIP],
            '{{"subdomain":"{sub}","txt":"{txt}"}}\n'), read_by_go),
    client("acme.sh with curl",
           (ACME_SH, ""),
           ([*ACME_SH, USER, KEY, LENGTH, FORM], '{{"subdomain":"{sub}", "txt": "{txt}"}}'), read_by_sed),
    client("acme.sh with wget",
           ([*WGET, FORM, LENGTH], ""),
           ([*WGET, FORM, LENGTH, KEY, USER], '{{"subdomain":"{sub}", "txt": "{txt}"}}'), read_by_sed, is_split=True),
    client("acme-dns-auth.py of certbot",
           ([*REQUESTS, ("Content-Length", "0")], ""),
           ([*REQUESTS, USER, KEY, GO_JSON, LENGTH], '{{"subdomain": "{sub}", "txt": "{txt}"}}'), is_split=True),
    client("acme-dns-auth.py of certbot, with networks",
           ([*REQUESTS, LENGTH], '{{"allowfrom": ["127.0.0.0/8", "::1/128"]}}'),
           ([*REQUESTS, USER, KEY, GO_JSON, LENGTH], '{{"subdomain": "{sub}", "txt": "{txt}"}}'), is_split=True),
    client("Posh-ACME on PowerShell 7",
           ([HOST, POWERSHELL_7, ("Accept-Encoding", "gzip, deflate, br"), GO_JSON, LENGTH], "{{}}"),
           ([HOST, KEY, USER, POWERSHELL_7, ("Accept-Encoding", "gzip, deflate, br"), FORM, LENGTH],
            '{{"txt":"{txt}","subdomain":"{sub}"}}'), is_split=True),
    client("Posh-ACME on Windows PowerShell 5.1",
           ([POWERSHELL_5, GO_JSON, HOST, LENGTH, ("Expect", "100-continue"), ("Connection", "Keep-Alive")],
            '{{"allowfrom":["127.0.0.1/24","2002:c0a8:2a00::0/40"]}}'),
           ([KEY, USER, POWERSHELL_5, FORM, HOST, LENGTH, ("Expect", "100-continue"), ("Connection", "Keep-Alive")],
            '{{"subdomain":"{sub}","txt":"{txt}"}}'), expects=True),
    client("win-acme",
           ([HOST, ("Authorization", "Basic"), WIN_ACME, PLAIN, ("Content-Length", "0")], ""),
           ([HOST, ("Authorization", "Basic"), WIN_ACME, USER, KEY, ("Content-Type", "application/json; charset=utf-8"),
             LENGTH],
            '{{"subdomain":"{sub}","txt":"{txt}"}}'), is_split=True),
    client("win-acme with an empty credential",
           ([HOST, ("Authorization", "Basic "), WIN_ACME, PLAIN, ("Content-Length", "0")], ""),
           ([HOST, ("Authorization", "Basic "), WIN_ACME, USER, KEY, PLAIN, LENGTH],
            '{{"subdomain":"{sub}","txt":"{txt}"}}')),
    client("Certify The Web",
           ([HOST, CERTIFY, PLAIN, LENGTH], "{{}}"),
           ([HOST, CERTIFY, USER, KEY, PLAIN, LENGTH], '{{"subdomain":"{sub}","txt":"{txt}"}}'), is_split=True),
    client("Certify The Web on .NET Framework, with credentials and networks",
           ([("User-Agent", "Certify/DnsProviderAcmeDns"), ("Authorization", "Basic dXNlcjprZXk"), PLAIN, HOST, LENGTH,
             ("Expect", "100-continue"), ("Connection", "Keep-Alive")],
            '{{"allowfrom":["127.0.0.1/24","1.2.3.4/32"]}}'),
           ([CERTIFY, USER, KEY, PLAIN, HOST, LENGTH, ("Expect", "100-continue")],
            '{{"subdomain":"{sub}","txt":"{txt}"}}'), expects=True),
    client("a dehydrated hook",
           (CURL, ""),
           ([*CURL, USER, KEY, LENGTH, FORM], '{{"subdomain": "{sub}", "txt": "{txt}"}}')),
]


def send(connection, path, request, client_, **fields):
    headers, body = request
    body = body.format(**fields).encode()
    fields |= {"length": len(body)}
    head = request_bytes(f"POST {path}", [(name, value.format(**fields)) for name, value in headers])
    if client_["expects"]:
        connection.sendall(head)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
    elif client_["is_split"]:
        connection.sendall(head)
        connection.sendall(body)
    else:
        connection.sendall(head + body)
    response = read_response(connection)
    return response.status, response.body.decode()


@pytest.mark.parametrize("shares_connection", [True, False], ids=["keep-alive", "new connections"])
@pytest.mark.parametrize("client_", CLIENTS)
def test_the_client_registers_and_publishes(server, client_, shares_connection):
    host = server.api.split("//")[1]
    with http_socket(server.api) as first, http_socket(server.api) as second:
        status, text = send(first, "/register", client_["register"], client_, host=host)
        user, key, sub, fulldomain = client_["read"](status, text)
        connection = first if shares_connection else second
        status, text = send(connection, "/update", client_["update"], client_, host=host, user=user, key=key, sub=sub,
                            txt=TXT)
        assert status == 200
        assert f'"{TXT}"' in text
        assert json.loads(text) == {"txt": TXT}
    assert fulldomain.split(".")[0] == sub
    assert not fulldomain.endswith(".")
    assert server.txt(fulldomain) == [TXT]


def test_the_client_that_reads_by_sed_is_not_misled_by_its_own_networks(server):
    """Nothing in the answer repeats a key that a pattern match looks for, whatever the request holds."""
    answer = server.http.post(f"{server.api}/register",
                              data='{"allowfrom":["127.0.0.1/32"],"password":"evil","username":"evil"}')
    assert read_by_sed(201, answer.text) == read_by_json(201, answer.text)
    assert all(answer.text.count(f'"{key}"') == 1 for key in ("username", "password", "subdomain", "fulldomain"))

# SPDX-License-Identifier: MIT
"""What an account can do about itself over HTTP, and what a registration token allows beyond an account."""

import re
import threading
import uuid

import dns.rcode
import pytest

from acmezone import CHEAP_ARGON2, DEADLINE_S, ZONE, Acmezone

TXT = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
TXT2 = "AHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
TOKEN = "0123456789abcdef"
TOKENS = {"registration_tokens": [f"shop:{TOKEN}"]}
ROUTES = [("GET", "account"), ("DELETE", "account"), ("POST", "account/rotate"), ("POST", "clear")]


@pytest.fixture(scope="module", name="server")
def fixture_server(tmp_path_factory):
    with Acmezone(tmp_path_factory.mktemp("account"), api=CHEAP_ARGON2) as server:
        yield server


@pytest.fixture(scope="module", name="guarded")
def fixture_guarded(tmp_path_factory):
    """A server that wants a token for registrations."""
    with Acmezone(tmp_path_factory.mktemp("guarded"), api={**CHEAP_ARGON2, **TOKENS}) as server:
        yield server


def call(server, account, method, path, **options):
    headers = {"X-Api-User": account["username"], "X-Api-Key": account["password"], **options.pop("headers", {})}
    return server.http.request(method, f"{server.api}/{path}", headers=headers, timeout=DEADLINE_S, **options)


def values_in_dns(server, account):
    return server.txt(account["fulldomain"])


def register(server, headers=None, **body):
    return server.http.post(f"{server.api}/register", json=body, timeout=DEADLINE_S,
                            headers={"Authorization": f"Bearer {TOKEN}"} if headers is None else headers)


# Itself

def test_an_account_sees_all_of_itself_but_the_password(server):
    account = server.register(allowfrom=["127.0.0.0/8", "::1"])
    server.update(account, TXT)
    answer = call(server, account, "GET", "account")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    found = answer.json()
    assert {key: found[key] for key in ("username", "subdomain", "fulldomain", "note", "disabled", "values")} == {
        "username": account["username"], "subdomain": account["subdomain"], "fulldomain": account["fulldomain"],
        "note": "", "disabled": False, "values": [TXT]}
    assert found["allowfrom"] == ["127.0.0.0/8", "::1/128"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["created"])
    assert found["last_used"] >= found["created"]
    assert account["password"] not in answer.text and "$argon2" not in answer.text
    assert call(server, account, "HEAD", "account").status_code == 200


def test_an_account_that_was_never_used_says_so(server):
    found = call(server, server.register(), "GET", "account").json()
    assert found["last_used"] is None and found["values"] == []


def test_cleared_values_are_gone_and_the_account_goes_on(server):
    account = server.register()
    for txt in (TXT, TXT2):
        server.update(account, txt)
    assert values_in_dns(server, account) == [TXT2, TXT]
    answer = call(server, account, "POST", "clear")
    assert (answer.status_code, answer.text) == (204, "")
    answer = server.query(account["fulldomain"])
    assert answer.rcode() == dns.rcode.NOERROR and not answer.answer
    assert call(server, account, "GET", "account").json()["last_used"] is not None
    assert server.update(account, TXT).status_code == 200


def test_after_a_rotation_only_the_new_password_is_good(server):
    account = server.register(allowfrom=["127.0.0.0/8"])
    assert server.update(account, TXT).status_code == 200  # the credential is cached
    answer = call(server, account, "POST", "account/rotate")
    assert answer.status_code == 200
    rotated = answer.json()
    assert list(rotated) == ["username", "password", "fulldomain", "subdomain", "allowfrom"]
    assert rotated["password"] != account["password"]
    assert {**rotated, "password": account["password"]} == account
    assert server.update(account, TXT).status_code == 401
    assert server.update(rotated, TXT2).status_code == 200
    assert values_in_dns(server, account) == [TXT2, TXT]


def test_of_rotations_at_once_each_password_that_was_told_last_is_the_one(server):
    account = server.register()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(call(server, account, "POST", "account/rotate")))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 401, 409}
    told = [answer.json() for answer in answers if answer.status_code == 200]
    good = [one for one in told if call(server, one, "GET", "account").status_code == 200]
    assert len(told) >= 1 and len(good) == 1


def test_a_deleted_account_is_unknown_to_dns_and_to_the_api(server):
    account = server.register()
    server.update(account, TXT)
    answer = call(server, account, "DELETE", "account")
    assert (answer.status_code, answer.text) == (204, "")
    assert server.query(account["fulldomain"]).rcode() == dns.rcode.NXDOMAIN
    assert server.update(account, TXT).status_code == 401
    assert call(server, account, "GET", "account").status_code == 401


@pytest.mark.parametrize("method, path", ROUTES)
def test_nobody_else_can_do_it(server, method, path):
    account = server.register()
    stranger = server.register()
    confined = server.register(allowfrom=["192.0.2.0/24"])
    server.update(account, TXT)
    for wrong in ({**account, "password": stranger["password"]}, {**account, "password": "short"},
                  {**account, "username": "nobody"}, confined):
        answer = call(server, wrong, method, path)
        assert (answer.status_code, answer.json()) == (401, {"error": "forbidden"})
    assert server.http.request(method, f"{server.api}/{path}").status_code == 401
    assert values_in_dns(server, account) == [TXT]
    assert server.update(account, TXT).status_code == 200


@pytest.mark.parametrize("method, path", ROUTES)
def test_other_methods_are_told_which_there_are(server, method, path):
    del method
    answer = server.http.put(f"{server.api}/{path}")
    assert answer.status_code == 405
    wanted = "GET, HEAD, DELETE, OPTIONS" if path == "account" else "POST, OPTIONS"
    assert answer.headers["Allow"] == wanted
    assert server.http.options(f"{server.api}/{path}").status_code == 204


def test_what_was_done_is_logged_without_secrets(server):
    account = server.register()
    rotated = call(server, account, "POST", "account/rotate").json()
    call(server, rotated, "POST", "clear")
    call(server, rotated, "DELETE", "account")
    for event in ("account.rotated", "clear.done", "account.deleted"):
        assert server.events_named(event)[-1]["account"] == account["username"]
    assert account["password"] not in server.log and rotated["password"] not in server.log


# With a token

def test_a_token_allows_a_note_and_a_chosen_subdomain(guarded):
    answer = register(guarded, note="für Käte", subdomain="Shop-1")
    assert answer.status_code == 201
    account = answer.json()
    assert (account["subdomain"], account["fulldomain"]) == ("shop-1", f"shop-1.{ZONE}")
    assert call(guarded, account, "GET", "account").json()["note"] == "für Käte"
    assert guarded.update(account, TXT).status_code == 200
    assert guarded.update(account, TXT2, subdomain="SHOP-1").status_code == 200
    assert values_in_dns(guarded, account) == [TXT2, TXT]
    assert guarded.txt(f"sHop-1.{ZONE}") == [TXT2, TXT]


def test_a_subdomain_is_given_once(guarded):
    first = register(guarded, subdomain="once")
    again = register(guarded, subdomain="ONCE")
    assert (first.status_code, again.status_code, again.json()) == (201, 409, {"error": "subdomain_taken"})
    assert call(guarded, first.json(), "DELETE", "account").status_code == 204
    assert register(guarded, subdomain="once").status_code == 201


@pytest.mark.parametrize("name", ["www", "MAIL", "static"])
def test_reserved_names_are_not_given(tmp_path, name):
    with Acmezone(tmp_path, general={"records": [f"static.{ZONE}. A 192.0.2.7"]},
                  api={**CHEAP_ARGON2, **TOKENS}) as server:
        answer = register(server, subdomain=name)
        assert (answer.status_code, answer.json()) == (409, {"error": "subdomain_reserved"})


@pytest.mark.parametrize("name", ["", "-a", "a.b", "_acme-challenge", "a" * 64, "ä"])
def test_misshapen_subdomains_are_refused(guarded, name):
    answer = register(guarded, subdomain=name)
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_subdomain"})


@pytest.mark.parametrize("note", ["x" * 201, "a\nb", "\u0085"])
def test_misshapen_notes_are_refused(guarded, note):
    answer = register(guarded, note=note)
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_note"})


@pytest.mark.parametrize("body", [{"note": 5}, {"subdomain": ["a"]}])
def test_wishes_must_be_texts(guarded, body):
    answer = register(guarded, **body)
    assert (answer.status_code, answer.json()) == (400, {"error": "malformed_json_payload"})


@pytest.mark.parametrize("body", [{"note": "x"}, {"subdomain": "mine"}, {"note": 5, "subdomain": "a.b"}])
def test_without_a_token_wishes_mean_nothing_or_are_refused_with_the_rest(server, guarded, body):
    answer = register(server, headers={}, **body)  # where no token is configured, as acme-dns does
    assert answer.status_code == 201 and uuid.UUID(answer.json()["subdomain"])
    assert call(server, answer.json(), "GET", "account").json()["note"] == ""
    assert register(guarded, headers={}, **body).status_code == 401


def test_another_accounts_chosen_subdomain_is_refused(guarded):
    mine = register(guarded).json()
    assert register(guarded, subdomain="yours").status_code == 201
    answer = guarded.update(mine, TXT, subdomain="yours")
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_subdomain"})

# SPDX-License-Identifier: MIT
"""Who may register, and whose address counts behind a proxy."""

import base64
import json

import pytest

from acmezone import CHEAP_ARGON2, Acmezone
from wire import exchange, request_bytes

TXT = "x" * 43
TOKEN, SECOND_TOKEN = "Sesame-Open_4711", "another-token_of-32-characters_42"


def start(tmp_path_factory, **api):
    return Acmezone(tmp_path_factory.mktemp("guard"), api={**CHEAP_ARGON2, **api})


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# Registration

@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server where registering needs one of two tokens."""
    with start(tmp_path_factory, registration_tokens=[f"alice:{TOKEN}", f"bob:{SECOND_TOKEN}"]) as running:
        yield running


GOOD = {
    "basic": ("/register", basic("", TOKEN)),
    "basic with a user": ("/register", basic("whoever", TOKEN)),
    "basic, lower case": ("/register", basic("", TOKEN).replace("Basic", "basic")),
    "basic, second token": ("/register", basic("x", SECOND_TOKEN)),
    "bearer": ("/register", f"Bearer {TOKEN}"),
    "bearer, lower case": ("/register", f"bearer {TOKEN}"),
    "bearer, second token": ("/register", f"Bearer {SECOND_TOKEN}"),
    "path": (f"/{TOKEN}/register", None),
    "path with a slash more": (f"//{TOKEN}//Register/", None),
}

BAD = {
    "nothing": ("/register", None),
    "empty": ("/register", ""),
    "wrong basic": ("/register", basic("", TOKEN + "x")),
    "token as the user": ("/register", basic(TOKEN, "")),
    "name as the password": ("/register", basic(TOKEN, "alice")),
    "basic that is no base64": ("/register", "Basic !!!"),
    "basic without a colon": ("/register", "Basic " + base64.b64encode(TOKEN.encode()).decode()),
    "wrong bearer": ("/register", "Bearer x"),
    "empty bearer": ("/register", "Bearer "),
    "half a token": ("/register", f"Bearer {TOKEN[:-1]}"),
    "other case": ("/register", f"Bearer {TOKEN.lower()}"),
    "token with its name": ("/register", f"Bearer alice:{TOKEN}"),
    "another scheme": ("/register", f"Token {TOKEN}"),
    "query": (f"/register?token={TOKEN}", None),
}


def register(server, path, authorization, **headers):
    headers |= {"Authorization": authorization} if authorization is not None else {}
    return server.http.post(f"{server.api}{path}", headers=headers)


@pytest.mark.parametrize("path, authorization", GOOD.values(), ids=GOOD.keys())
def test_a_token_opens_registration_in_each_of_its_three_places(guarded, path, authorization):
    answer = register(guarded, path, authorization)
    assert answer.status_code == 201
    account = answer.json()
    assert guarded.update(account, TXT).status_code == 200, "an update needs no token"


@pytest.mark.parametrize("path, authorization", BAD.values(), ids=BAD.keys())
def test_without_a_right_token_registration_is_forbidden(guarded, path, authorization):
    answer = register(guarded, path, authorization)
    assert (answer.status_code, answer.text) == (401, '{"error": "forbidden"}')


@pytest.mark.parametrize("prefix", ["x", TOKEN.lower(), TOKEN[:-1], TOKEN + "x", f"x/{TOKEN}"])
def test_a_wrong_token_in_the_path_registers_nothing(guarded, prefix):
    assert register(guarded, f"/{prefix}/register", None).status_code in (401, 404)


def test_the_log_names_who_registered_and_never_the_token(tmp_path):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "registration_tokens": [f"alice:{TOKEN}"]},
                  logconfig={"loglevel": "debug"}) as server:
        for path, authorization in (*GOOD.values(), *BAD.values()):
            register(server, path, authorization)
        assert any("alice" in event.values() for event in server.events), server.log
        for secret in (TOKEN, basic("", TOKEN)[6:], basic("whoever", TOKEN)[6:]):
            assert secret not in server.log


@pytest.mark.parametrize("networks, status", [(["127.0.0.0/8"], 201), (["192.0.2.0/24", "127.0.0.1/32"], 201),
                                              (["192.0.2.0/24"], 401), (["::1/128"], 401)])
def test_registration_is_open_only_to_its_networks(tmp_path_factory, networks, status):
    with start(tmp_path_factory, registration_allowfrom=networks) as server:
        answer = register(server, "/register", None)
        assert answer.status_code == status
        if status == 401:
            assert answer.text == '{"error": "forbidden"}'


def test_with_networks_and_tokens_both_must_fit(tmp_path_factory):
    with start(tmp_path_factory, registration_allowfrom=["192.0.2.0/24"], registration_tokens=[f"alice:{TOKEN}"],
               use_header=True) as server:
        for client, authorization, status in (("192.0.2.1", f"Bearer {TOKEN}", 201), ("192.0.2.1", None, 401),
                                              ("198.51.100.1", f"Bearer {TOKEN}", 401), ("198.51.100.1", None, 401)):
            assert register(server, "/register", authorization, **{"X-Forwarded-For": client}).status_code == status


@pytest.mark.parametrize("path", ["/register", "//register", "/Register/"])
def test_a_disabled_registration_is_not_found_and_updates_go_on(tmp_path, path):
    with Acmezone(tmp_path, api=CHEAP_ARGON2) as server:
        account = server.register()
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, "disable_registration": True}) as server:
        for method in ("POST", "GET"):
            answer = server.http.request(method, f"{server.api}{path}")
            assert answer.status_code == 404
            assert set(answer.json()) == {"error"}
        assert server.update(account, TXT).status_code == 200


# Behind a proxy

def update_through(server, account, header_lines):
    """/update with these header lines, repeated ones included; returns the status."""
    body = json.dumps({"subdomain": account["subdomain"], "txt": TXT}).encode()
    headers = [("Host", "x"), ("X-Api-User", account["username"]), *header_lines, ("X-Api-Key", account["password"]),
               ("Content-Length", len(body))]
    return exchange(server.api, request_bytes("POST /update", headers, body)).status


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A server that believes proxies on the loopback, as by default."""
    with start(tmp_path_factory, use_header=True) as running:
        yield running


XFF = "X-Forwarded-For"
HOPS = [  # (header lines, the client as seen: in 192.0.2.0/24, in 2001:db8::/32, or another)
    ([], "other"),
    ([(XFF, "192.0.2.7")], "IPv4"),
    ([(XFF.lower(), "192.0.2.7")], "IPv4"),
    ([(XFF, "198.51.100.9, 192.0.2.7")], "IPv4"),
    ([(XFF, "198.51.100.9,192.0.2.7")], "IPv4"),
    ([(XFF, "192.0.2.7, 198.51.100.9")], "other"),
    ([(XFF, "192.0.2.7, 127.0.0.1")], "IPv4"),
    ([(XFF, "192.0.2.7, ::1, 127.0.0.2")], "IPv4"),
    ([(XFF, "192.0.2.7, 198.51.100.9, 127.0.0.1")], "other"),
    ([(XFF, "198.51.100.9"), (XFF, "192.0.2.7")], "IPv4"),
    ([(XFF, "192.0.2.7"), (XFF, "198.51.100.9")], "other"),
    ([(XFF, "2001:db8::7")], "IPv6"),
    ([(XFF, "192.0.2.7, 2001:DB8::7")], "IPv6"),
    ([(XFF, "192.0.2.7:4711")], "IPv4"),
    ([(XFF, "[2001:db8::7]:4711")], "IPv6"),
    ([(XFF, "[2001:db8::7]")], "IPv6"),
    ([(XFF, "192.0.2.7:port")], "other"),
    ([(XFF, "192.0.2.7:123456")], "other"),
    ([(XFF, "192.0.2.7 , ,, 127.0.0.1 ,")], "IPv4"),
    ([(XFF, "nonsense")], "other"),
    ([(XFF, "192.0.2.7, nonsense")], "other"),
    ([(XFF, "192.0.2.7, nonsense, 127.0.0.1")], "other"),
    ([(XFF, "")], "other"),
    ([(XFF, "127.0.0.1, 127.0.0.1")], "other"),
    ([("X-Real-IP", "192.0.2.7")], "other"),
]


@pytest.mark.parametrize("header_lines, seen", HOPS, ids=str)
def test_the_right_most_hop_that_is_no_trusted_proxy_is_the_client(proxied, header_lines, seen):
    for network, family in (("192.0.2.0/24", "IPv4"), ("2001:db8::/32", "IPv6")):
        account = proxied.register(allowfrom=[network])
        assert update_through(proxied, account, header_lines) == (200 if seen == family else 401)


def test_without_a_header_the_proxy_itself_is_the_client(proxied):
    assert update_through(proxied, proxied.register(allowfrom=["127.0.0.1/32"]), []) == 200


@pytest.mark.parametrize("api, header, is_believed", [
    ({"use_header": True, "trusted_proxies": ["127.0.0.0/8"]}, XFF, True),
    ({"use_header": True, "trusted_proxies": ["10.0.0.0/8"]}, XFF, False),
    ({"use_header": True, "trusted_proxies": []}, XFF, False),
    ({"use_header": False}, XFF, False),
    ({"use_header": True, "header_name": "X-Real-IP"}, "x-real-ip", True),
    ({"use_header": True, "header_name": "X-Real-IP"}, XFF, False),
])
def test_only_the_named_header_of_a_listed_proxy_is_believed(tmp_path, api, header, is_believed):
    with Acmezone(tmp_path, api={**CHEAP_ARGON2, **api}, warns=True) as server:
        account = server.register(allowfrom=["192.0.2.0/24"])
        assert update_through(server, account, [(header, "192.0.2.7")]) == (200 if is_believed else 401)
        account = server.register(allowfrom=["127.0.0.0/8"])
        assert update_through(server, account, [(header, "192.0.2.7")]) == (401 if is_believed else 200)


def test_trusted_hops_of_a_chain_are_skipped(tmp_path_factory):
    with start(tmp_path_factory, use_header=True, trusted_proxies=["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"]) as server:
        account = server.register(allowfrom=["192.0.2.0/24"])
        assert update_through(server, account, [(XFF, "198.51.100.9, 192.0.2.7, 10.1.2.3, fd00::1")]) == 200
        assert update_through(server, account, [(XFF, "192.0.2.7, 198.51.100.9, 10.1.2.3")]) == 401


def test_over_ipv6_an_account_is_matched_by_its_ipv6_networks(tmp_path_factory):
    with start(tmp_path_factory, ip="::1") as server:
        assert server.api.startswith("http://[::1]:")
        for network, status in (("::1/128", 200), ("[::1]/128", 200), ("2001:db8::/32", 401), ("0.0.0.0/0", 401)):
            assert server.update(server.register(allowfrom=[network]), TXT).status_code == status


def test_an_ipv4_client_of_a_dual_socket_is_matched_by_ipv4_networks(tmp_path_factory):
    with start(tmp_path_factory, ip="::") as server:
        server.api = f"http://127.0.0.1:{server.api.rpartition(':')[2]}"
        for network, status in (("127.0.0.0/8", 200), ("192.0.2.0/24", 401), ("::/0", 401)):
            assert server.update(server.register(allowfrom=[network]), TXT).status_code == status

# SPDX-License-Identifier: MIT
"""POST /register: which bodies it takes, what it answers to the byte, and what it refuses."""

import ipaddress
import json
import re
import uuid

import pytest

from acmezone import ZONE

ANSWER = re.compile(
    r'\{"username":"(?P<username>[0-9a-f-]{36})","password":"(?P<password>[A-Za-z0-9_-]{40})",'
    r'"fulldomain":"(?P<fulldomain>[0-9a-f-]{36}\.[a-z.]+)","subdomain":"(?P<subdomain>[0-9a-f-]{36})",'
    r'"allowfrom":\[[^\]]*\]\}')

BODIES = {
    "empty": b"",
    "null": b"null",
    "null and a line feed": b"null\n",
    "empty object": b"{}",
    "white space only": b" \t\r\n",
    "empty list": b'{"allowfrom":[]}',
    "null list": b'{"allowfrom":null}',
    "unknown keys": b'{"name":"x","nested":{"username":"evil","a":[1,2.5,true,null]}}',
    "all keys, null": b'{"allowfrom":null,"fulldomain":null,"subdomain":null,"password":null,"username":null}',
}


def post(server, body, **headers):
    return server.http.post(f"{server.api}/register", data=body, headers=headers)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_without_networks_registers_an_open_account(server, body):
    answer = post(server, body)
    assert answer.status_code == 201
    assert answer.json()["allowfrom"] == []


def test_the_answer_is_one_compact_line_with_the_five_keys_in_order(server):
    answer = post(server, b"")
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    match = ANSWER.fullmatch(answer.text)
    assert match, answer.text
    assert match["fulldomain"] == f"{match['subdomain']}.{ZONE}"
    assert list(answer.json()) == ["username", "password", "fulldomain", "subdomain", "allowfrom"]


def test_username_and_subdomain_are_different_random_uuids_and_never_repeat(server):
    accounts = [server.register() for _ in range(20)]
    ids = [uuid.UUID(account[key]) for account in accounts for key in ("username", "subdomain")]
    assert len(set(ids)) == 40
    assert all(each.version == 4 and each.variant == uuid.RFC_4122 for each in ids)
    assert len({account["password"] for account in accounts}) == 20


NETWORKS = {
    "one IPv4": ["192.0.2.0/24"],
    "several": ["192.0.2.0/24", "2001:db8::/32", "127.0.0.1/32"],
    "host bits set": ["192.168.100.1/24", "2001:db8:2a00::1/40"],
    "IPv6 in brackets": ["[::1]/128", "[2001:db8::]/32"],
    "everything": ["0.0.0.0/0", "::/0"],
}


@pytest.mark.parametrize("networks", NETWORKS.values(), ids=NETWORKS.keys())
@pytest.mark.parametrize("key", ["allowfrom", "AllowFrom", "ALLOWFROM"])
def test_networks_are_accepted_under_any_case_of_the_key_and_repeated(server, key, networks):
    answer = post(server, json.dumps({key: networks}))
    assert answer.status_code == 201
    got = [ipaddress.ip_network(network, strict=False) for network in answer.json()["allowfrom"]]
    sent = [ipaddress.ip_network(re.sub(r"[\[\]]", "", network), strict=False) for network in networks]
    assert got == sent


BAD_NETWORKS = ["", " ", "nonsense", "192.0.2.0/", "/24", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2/24",
                "192.0.2.0/24 ", "192.0.2.0/2x", "192.0.2.0.0/24", "2001:db8::/129", "2001:db8:::/32", "[2001:db8::/32",
                "2001:db8::]/32", "[]/32", "example.org/24", "192.0.2.0/99999999999999999999"]


@pytest.mark.parametrize("network", BAD_NETWORKS)
def test_a_bad_network_among_good_ones_is_refused(server, network):
    answer = post(server, json.dumps({"allowfrom": ["192.0.2.0/24", network]}))
    assert (answer.status_code, answer.text) == (400, '{"error": "invalid_allowfrom_cidr"}')
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"


MALFORMED = [b"{", b"}", b"[", b"nope", b"{} {}", b'{"allowfrom":[}', b'{"allowfrom":["192.0.2.0/24"', b"{'a':1}",
             b'{"a":1,}', b"[]", b"1", b'"text"', b"true", b'{"allowfrom":"192.0.2.0/24"}', b'{"allowfrom":{}}',
             b'{"allowfrom":[1]}', b"\xff\xfe", b'{"\xff":1}', b"[" * 5000, b"{}\0",
             b'{"allowfrom":["192.0.2.0/24\\u0000"]}', b"allowfrom=192.0.2.0%2F24"]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:40]))
def test_what_is_not_the_json_expected_is_malformed(server, body):
    answer = post(server, body)
    assert (answer.status_code, answer.text) == (400, '{"error": "malformed_json_payload"}')


@pytest.mark.parametrize("content_type", [
    "application/json", "text/plain; charset=utf-8", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "nonsense", ""])
def test_the_content_type_does_not_matter(server, content_type):
    answer = post(server, b'{"allowfrom":["192.0.2.0/24"]}', **{"Content-Type": content_type})
    assert answer.status_code == 201
    assert answer.json()["allowfrom"] == ["192.0.2.0/24"]


@pytest.mark.parametrize("authorization", ["Basic", "Basic ", "Basic !!!", "Basic dXNlcjprZXk", "Bearer", "Negotiate x",
                                           "x", ""])
def test_a_stray_authorization_header_does_not_matter_where_no_token_is_asked(server, authorization):
    assert post(server, b"", Authorization=authorization).status_code == 201

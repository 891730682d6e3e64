# SPDX-License-Identifier: MIT
"""POST /update: what it takes, the order in which it refuses, and which values a subdomain keeps."""

import json
import string
import time
import uuid

import pytest

from acmezone import CHEAP_ARGON2, ZONE, Acmezone

TXT = string.ascii_letters[:41] + "-_"
UNKNOWN = str(uuid.UUID(int=0x0123456789ab4def8123456789abcdef))


def post(server, body, user, key, **headers):
    """/update with the body as it is; a user or key of None sends no such header."""
    headers |= {name: value for name, value in (("X-Api-User", user), ("X-Api-Key", key)) if value is not None}
    if not isinstance(body, bytes):
        body = json.dumps(body)
    return server.http.post(f"{server.api}/update", data=body, headers=headers)


def post_as(server, account, body, **headers):
    return post(server, body, account["username"], account["password"], **headers)


@pytest.mark.parametrize("txt", [TXT, "-" * 43, "_" * 43, "0123456789" * 4 + "abc"])
def test_a_value_is_published_and_repeated_in_the_answer(server, account, txt):
    answer = server.update(account, txt)
    assert (answer.status_code, answer.text) == (200, f'{{"txt": "{txt}"}}')
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert server.txt(account["fulldomain"]) == [txt]


@pytest.mark.parametrize("keys", [("subdomain", "txt"), ("SubDomain", "Txt"), ("SUBDOMAIN", "TXT"),
                                  ("subDomain", "tXt")])
@pytest.mark.parametrize("extra", [{}, {"other": [1, {"txt": "x"}], "username": "evil"}], ids=["", "unknown keys"])
def test_json_keys_fold_case_and_unknown_keys_are_ignored(server, account, keys, extra):
    answer = post_as(server, account, {**extra, keys[0]: account["subdomain"], keys[1]: TXT})
    assert answer.status_code == 200
    assert server.txt(account["fulldomain"]) == [TXT]


SPELLINGS = {
    "upper case": str.upper,
    "mixed case": str.title,
    "braces": lambda user: "{" + user + "}",
    "no dashes": lambda user: user.replace("-", ""),
    "braces, upper case": lambda user: "{" + user.upper() + "}",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_any_spelling_of_the_username_works(server, account, spell):
    body = {"subdomain": account["subdomain"], "txt": TXT}
    assert post(server, body, spell(account["username"]), account["password"]).status_code == 200


@pytest.mark.parametrize("authorization", ["Basic", "Basic ", "Basic !!!", "Basic dXNlcjprZXk=", "Bearer x",
                                           "Negotiate", "x", ""])
def test_a_stray_authorization_header_never_breaks_an_update(server, account, authorization):
    body = {"subdomain": account["subdomain"], "txt": TXT}
    assert post_as(server, account, body, Authorization=authorization).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "application/x-www-form-urlencoded",
                                          "application/json", ""])
def test_the_content_type_does_not_matter(server, account, content_type):
    body = {"subdomain": account["subdomain"], "txt": TXT}
    assert post_as(server, account, body, **{"Content-Type": content_type}).status_code == 200


# Refusals. The credentials are judged first, then the body.

MISSHAPEN_USERS = [None, "", "x", "0" * 31, "0" * 33, "{" + UNKNOWN, UNKNOWN[:-1] + "g", UNKNOWN + "0",
                   UNKNOWN.replace("-", "_"), "0" * 3000]
MISSHAPEN_KEYS = [None, "", "x" * 39, "x" * 41, "x" * 39 + "!", "x" * 39 + "=", "x" * 39 + "+", "x" * 3000]


@pytest.mark.parametrize("user", MISSHAPEN_USERS)
def test_a_misshapen_user_is_forbidden_before_the_body_is_read(server, account, user):
    answer = post(server, b"{", user, account["password"])
    assert (answer.status_code, answer.text) == (401, '{"error": "forbidden"}')


@pytest.mark.parametrize("key", MISSHAPEN_KEYS)
def test_a_misshapen_key_is_forbidden_before_the_body_is_read(server, account, key):
    answer = post(server, b"{", account["username"], key)
    assert (answer.status_code, answer.text) == (401, '{"error": "forbidden"}')


FORBIDDEN, MALFORMED, BAD_SUBDOMAIN, BAD_TXT = (
    (401, "forbidden"), (400, "malformed_json_payload"), (400, "bad_subdomain"), (400, "bad_txt"))
OWN, OTHER = "OWN", "OTHER"  # stand for the account's subdomain and another account's

# (what is sent besides good credentials, the answer)
BODIES = [
    (b"{", MALFORMED),
    (b"nope", MALFORMED),
    (b"[]", MALFORMED),
    (b'"text"', MALFORMED),
    (b"subdomain=x&txt=y", MALFORMED),
    (b'{"subdomain":"x"} {}', MALFORMED),
    ({}, BAD_SUBDOMAIN),
    ({"txt": TXT}, BAD_SUBDOMAIN),
    ({"subdomain": None, "txt": TXT}, BAD_SUBDOMAIN),
    ({"subdomain": "", "txt": TXT}, BAD_SUBDOMAIN),
    ({"subdomain": "short", "txt": TXT}, BAD_SUBDOMAIN),
    ({"subdomain": "x" * 36, "txt": TXT}, BAD_SUBDOMAIN),
    ({"subdomain": f"{OWN}.{ZONE}", "txt": TXT}, BAD_SUBDOMAIN),
    ({"subdomain": "short", "txt": "short"}, BAD_SUBDOMAIN),
    ({"subdomain": OTHER, "txt": TXT}, FORBIDDEN),
    ({"subdomain": UNKNOWN, "txt": TXT}, FORBIDDEN),
    ({"subdomain": OTHER, "txt": "short"}, FORBIDDEN),
    ({"subdomain": OTHER}, FORBIDDEN),
    ({"subdomain": OWN}, BAD_TXT),
    ({"subdomain": OWN, "txt": None}, BAD_TXT),
    ({"subdomain": OWN, "txt": ""}, BAD_TXT),
    ({"subdomain": OWN, "txt": TXT[:42]}, BAD_TXT),
    ({"subdomain": OWN, "txt": TXT + "x"}, BAD_TXT),
    ({"subdomain": OWN, "txt": TXT[:42] + "="}, BAD_TXT),
    ({"subdomain": OWN, "txt": TXT[:42] + "+"}, BAD_TXT),
    ({"subdomain": OWN, "txt": TXT[:42] + "/"}, BAD_TXT),
    ({"subdomain": OWN, "txt": TXT[:42] + " "}, BAD_TXT),
    ({"subdomain": OWN, "txt": TXT[:42] + "\n"}, BAD_TXT),
    ({"subdomain": f"{OWN}\0", "txt": TXT}, MALFORMED),
    ({"subdomain": OWN, "txt": TXT + "\0"}, MALFORMED),
    ({"subdomain": OWN, "txt": TXT[:42] + "é"}, BAD_TXT),
    ({"subdomain": OWN, "txt": "é" * 43}, BAD_TXT),
]


def fill_in(body, own, other):
    if isinstance(body, bytes):
        return body
    subdomain = body.get("subdomain")
    if isinstance(subdomain, str):
        body = {**body, "subdomain": subdomain.replace(OWN, own["subdomain"]).replace(OTHER, other["subdomain"])}
    return body


@pytest.fixture(scope="module")
def two_accounts(server):
    return server.register(), server.register()


@pytest.mark.parametrize("body, expected", BODIES, ids=lambda value: repr(value)[:60])
def test_a_bad_body_gets_its_word_and_publishes_nothing(server, two_accounts, body, expected):
    own, other = two_accounts
    answer = post_as(server, own, fill_in(body, own, other))
    assert (answer.status_code, answer.text) == (expected[0], f'{{"error": "{expected[1]}"}}')
    assert server.txt(own["fulldomain"]) == server.txt(other["fulldomain"]) == []


@pytest.mark.parametrize("body", [b"", b" \r\n", b"null", b"{}"])
def test_an_empty_body_publishes_nothing(server, account, body):
    answer = post_as(server, account, body)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("malformed_json_payload", "bad_subdomain")


@pytest.mark.parametrize("body", [{"subdomain": 1, "txt": TXT}, {"subdomain": OWN, "txt": 1},
                                  {"subdomain": [OWN], "txt": TXT}])
def test_values_of_the_wrong_type_are_refused(server, account, body):
    answer = post_as(server, account, fill_in(body, account, account))
    assert answer.status_code == 400
    assert answer.json()["error"] in ("malformed_json_payload", "bad_subdomain", "bad_txt")


@pytest.mark.parametrize("body", [b"{", {"subdomain": "short", "txt": TXT}, {"subdomain": OWN, "txt": "short"}],
                         ids=str)
@pytest.mark.parametrize("fault", ["unknown user", "wrong key", "other network"])
def test_credentials_and_network_are_judged_before_the_body(server, body, fault):
    account = server.register(allowfrom=["192.0.2.0/24"] if fault == "other network" else [])
    user = UNKNOWN if fault == "unknown user" else account["username"]
    key = "x" * 40 if fault == "wrong key" else account["password"]
    answer = post(server, fill_in(body, account, account), user, key)
    assert (answer.status_code, answer.text) == (401, '{"error": "forbidden"}')


def unauthorised(server, account, other):
    """The three answers that must not be told apart, and the seconds each one took."""
    good = {"subdomain": account["subdomain"], "txt": TXT}
    attempts = {
        "unknown user": (good, UNKNOWN, account["password"]),
        "wrong key": (good, account["username"], "x" * 40),
        "wrong subdomain": ({**good, "subdomain": other["subdomain"]}, account["username"], account["password"]),
    }
    answers = {}
    for fault, (body, user, key) in attempts.items():
        start = time.perf_counter()
        answers[fault] = post(server, body, user, key), time.perf_counter() - start
    return answers


def test_unknown_user_wrong_key_and_wrong_subdomain_get_identical_bytes(server):
    answers = unauthorised(server, server.register(), server.register())
    seen = {(answer.status_code, answer.reason, answer.content,
             tuple((name, value) for name, value in answer.raw.headers.items() if name != "Date"))
            for answer, _ in answers.values()}
    assert len(seen) == 1
    assert next(iter(seen))[0] == 401


def test_unknown_user_wrong_key_and_wrong_subdomain_take_about_the_same_time(tmp_path):
    """Each is hashed once, and a hash is nearly all the time it takes. Of the time the fastest of several attempts counts: a busy
    machine makes them slower, never faster, so they meet in the end; without a hash one would be many times faster.
    """
    costly = {"argon2_memory_kib": 19456, "argon2_passes": 2, "argon2_lanes": 1}
    with Acmezone(tmp_path, api=costly) as server:
        fastest = {}
        for _ in range(20):
            accounts = server.register(), server.register()
            hashes = server.counters()["hashes"]
            answers = unauthorised(server, *accounts)
            assert server.counters()["hashes"] - hashes == len(answers)
            for fault, (_, seconds) in answers.items():
                fastest[fault] = min(seconds, fastest.get(fault, seconds))
            if min(fastest.values()) > 0.7 * max(fastest.values()):
                return
        if min(fastest.values()) > 0.25 * max(fastest.values()):
            return  # a machine too busy to say more
        raise AssertionError(f"they can be told apart: {fastest}")


# Values

def publish(server, account, *values):
    for value in values:
        assert server.update(account, value).status_code == 200


def test_two_values_are_kept_and_the_oldest_is_replaced(server, account, new_txt):
    a, b, c, d = (new_txt() for _ in range(4))
    name = account["fulldomain"]
    publish(server, account, a)
    assert server.txt(name) == [a]
    publish(server, account, b)
    assert server.txt(name) == sorted([a, b])
    publish(server, account, c)
    assert server.txt(name) == sorted([b, c])
    publish(server, account, d)
    assert server.txt(name) == sorted([c, d])


def test_writing_a_value_again_refreshes_it_and_evicts_nothing(server, account, new_txt):
    a, b, c = (new_txt() for _ in range(3))
    publish(server, account, a, b, a, a)
    assert server.txt(account["fulldomain"]) == sorted([a, b])
    publish(server, account, c)
    assert server.txt(account["fulldomain"]) == sorted([a, c]), "b was the oldest: a had been refreshed"


@pytest.mark.parametrize("n_values", [1, 3, 64])
def test_the_number_of_values_kept_is_configurable(tmp_path, new_txt, n_values):
    with Acmezone(tmp_path, general={"txt_values": n_values}, api=CHEAP_ARGON2) as server:
        account = server.register()
        values = [new_txt() for _ in range(n_values + 1)]
        publish(server, account, *values[:-1])
        assert server.txt(account["fulldomain"], tcp=True) == sorted(values[:-1])
        publish(server, account, values[-1])
        assert server.txt(account["fulldomain"], tcp=True) == sorted(values[1:])


def test_values_of_one_account_never_show_under_another(server, new_txt):
    one, two = server.register(), server.register()
    publish(server, one, new_txt())
    assert server.txt(two["fulldomain"]) == []


@pytest.mark.parametrize("networks, is_allowed", [
    (["127.0.0.0/8"], True), (["127.0.0.1/32"], True), (["192.0.2.0/24", "127.0.0.1/32"], True),
    (["127.0.0.99/8"], True), (["0.0.0.0/0"], True), (["192.0.2.0/24"], False), (["127.0.0.2/32"], False),
    (["::/0"], False), (["::1/128"], False)])
def test_updates_come_only_from_the_networks_of_the_account(server, networks, is_allowed):
    account = server.register(allowfrom=networks)
    answer = server.update(account, TXT)
    assert answer.status_code == (200 if is_allowed else 401)
    assert server.txt(account["fulldomain"]) == ([TXT] if is_allowed else [])


def test_a_correct_password_stays_correct_and_a_wrong_one_wrong_after_the_first_use(server, account):
    """The verified-credential cache must neither forget to check nor mix up two accounts."""
    other = server.register()
    body = {"subdomain": account["subdomain"], "txt": TXT}
    for _ in range(3):
        assert post_as(server, account, body).status_code == 200
        assert post(server, body, account["username"], other["password"]).status_code == 401
        assert post(server, body, other["username"], account["password"]).status_code == 401
        assert post(server, body, account["username"], account["password"].swapcase()).status_code == 401
